# Lyapunov exponents of the Lorenz system by Benettin's algorithm:
# three tangent vectors are carried along the orbit and made orthonormal again by Gram-Schmidt.
# Takes sigma, rho and beta; gives lambda1, lambda2 and lambda3. For Maple, and for Giac in Maple syntax.

field := proc(u)
  local x, y, z, f, k;
  x := u[1]; y := u[2]; z := u[3];
  f := [sigma*(y - x), x*(rho - z) - y, x*y - beta*z];
  for k from 1 to 3 do
    f := [op(f),
      sigma*(u[3*k + 2] - u[3*k + 1]),
      (rho - z)*u[3*k + 1] - u[3*k + 2] - x*u[3*k + 3],
      y*u[3*k + 1] + x*u[3*k + 2] - beta*u[3*k + 3]];
  end do;
  f;
end proc:

advance := proc(u, h)
  local k1, k2, k3, k4;
  k1 := field(u);
  k2 := field(u + (h/2)*k1);
  k3 := field(u + (h/2)*k2);
  k4 := field(u + h*k3);
  u + (h/6)*(k1 + 2*k2 + 2*k3 + k4);
end proc:

inner := proc(v, w)
  v[1]*w[1] + v[2]*w[2] + v[3]*w[3];
end proc:

dt := 0.01:
transient := 100:
renewals := 200:
substeps := 5:

u := [1.0, 1.0, 20.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]:
for j from 1 to transient do
  u := advance(u, dt);
end do:

sums := [0.0, 0.0, 0.0]:
u := [u[1], u[2], u[3], 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]:
for j from 1 to renewals do
  for m from 1 to substeps do
    u := advance(u, dt);
  end do;
  a := [u[4], u[5], u[6]];
  b := [u[7], u[8], u[9]];
  c := [u[10], u[11], u[12]];
  na := sqrt(inner(a, a)); a := (1/na)*a;
  b := b - inner(a, b)*a;
  nb := sqrt(inner(b, b)); b := (1/nb)*b;
  c := c - inner(a, c)*a - inner(b, c)*b;
  nc := sqrt(inner(c, c)); c := (1/nc)*c;
  sums := sums + [ln(na), ln(nb), ln(nc)];
  u := [u[1], u[2], u[3], a[1], a[2], a[3], b[1], b[2], b[3], c[1], c[2], c[3]];
end do:

elapsed := renewals*substeps*dt:
lambda1 := sums[1]/elapsed:
lambda2 := sums[2]/elapsed:
lambda3 := sums[3]/elapsed:
printf("rho = %.2f: %9.5f %9.5f %9.5f\n", rho, lambda1, lambda2, lambda3);
