"""Names that Maple has for itself."""

from __future__ import annotations

from ..algebra import MAPLE_KEYWORDS

__all__ = ["PROTECTED"]

_PROTECTED = """
AiryAi AiryBi Array Bernoulli BesselI BesselJ BesselK BesselY Beta Bits Catalan Chi Ci ColumnGraph Complex D
Determinant Diff Digits Dirac Ei EllipticE EllipticF EllipticK Eval Expand FAIL Factor Float Fresnelc Fresnels GAMMA
Gcd HFloat Heaviside Hermite I Im Int Intersect Inverse JacobiSN LambertW Lcm Limit LinearAlgebra Li MathieuC Matrix
NULL Normalizer Not O ODE Order Pi PLOT PLOT3D Product Psi RETURN ERROR Re RootOf SFloat Shi Si StringTools Sum
Testzero TypeTools UseHardwareFloats Union Vector WARNING WeberE Zeta about abs add addressof alias allvalues anames
antisymm apply applyop applyrule arccos arccosh arccot arccoth arccsc arccsch arcsec arcsech arcsin arcsinh arctan
arctanh argument array assemble assign assigned asspar assume asympt attributes binomial bernoulli bind bspline
cartprod cat ceil changecoords charpoly choose chrem close coeff coeffs coeftayl collect combine commutat comparray
compiletable compoly conjugate content convergs convert copy cos cosh cot coth coulditbe csc csch csgn dcoeffs
define degree denom depends det diff dilog discont discrim disassemble dismantle divide dsolve eliminate entries eqn
erf erfc eulermac eval evala evalapply evalb evalc evalf evalhf evalm evaln evalr exp expand expandoff expandon
exports extract factor factorial factors false fclose fdiscont feof fflush filepos floor fnormal fopen forget
fprintf frac freeze frem fremove frontend fscanf fsolve galois gc gcd gcdex genpoly gamma getenv global goto
harmonic has hasfun hasoption hastype history hypergeom icontent identity igcd igcdex ilcm ilog ilog10 implicitdiff
indets index indexed indices inifcn initialcondition insert int integer intsolve interface interp intat invfunc
invztrans iostatus iperfpow iquo iratrecon irem iroot irreduc iscont isdifferentiable isolate isprime isqrf isqrt
ithprime kernelopts lattice lcm lcoeff ldegree length lexorder lhs limit ln log log10 lprint map map2 match matrix
max maximize maxnorm maxorder member membertype min minimize mkdir modp modp1 modp2 modpol mods msolve mtaylor mul
nextprime nops norm normal nprintf numboccur numer numeric op open optimize order parse patmatch pclose pdsolve
piecewise plot plot3d plotsetup pointto polylog polynom pow powmod prem primpart print printf procbody procmake
product proot property protect psqrt quo radnormal radsimp rand randomize randpoly range rationalize ratrecon
readbytes readdata readline readstat realroot recipoly rem remove residue restart resultant rhs root rootbound roots
round rsolve rtable rtable_dims scanf sec sech select selectfun selectremove seq series setattribute setoptions sign
signum simplex simplify sin singular sinh sinterp smartplot solve solvefor sort sprem sprintf sqrfree sqrt sscanf
ssystem string sturm sturmseq subs subsop substring sum surd symmdiff system table tan tanh taylor tcoeff testeq
testfloat time timelimit traperror triggs trigsubs trunc true type typematch unames unapply unassign undefined
unprotect unwith userinfo value vector verify whattype where with writebytes writedata writeline writestat writeto
zip ztrans infinity list set name symbol rational float complex boolean procedure equation relation constant linear
even odd prime positive negative nonnegative posint negint nonnegint realcons
"""
PROTECTED = MAPLE_KEYWORDS | frozenset(_PROTECTED.split())
"""Keywords, constants and the commonest protected names; Maple itself refuses the others, by name."""
