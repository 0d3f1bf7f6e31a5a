module everest_values

struct Refused <: Exception
    why::String
end

const whole = Union{Int8,Int16,Int32,Int64,UInt8,UInt16,UInt32,UInt64}
const floats = Union{Float16,Float32,Float64}
const kinds = Dict{Type,String}(
    Bool => "|b1", Int8 => "|i1", UInt8 => "|u1", Int16 => "<i2", UInt16 => "<u2", Int32 => "<i4", UInt32 => "<u4",
    Int64 => "<i8", UInt64 => "<u8", Float16 => "<f2", Float32 => "<f4", Float64 => "<f8", ComplexF32 => "<c8",
    ComplexF64 => "<c16",
)

refuse(value) = throw(Refused("a value of type $(typeof(value)) cannot travel"))

record(out, name, kind, bytes) = (print(out, name, ' ', kind, " - ", sizeof(bytes), '\n'); write(out, bytes, '\n'))

# what records have no kind for is a dictionary with a key for what it is
mark(out, name, kind, others) = (print(out, name, " dict - ", others + 1, '\n'); record(out, "%00", "str", kind))

put(out, name, ::Nothing) = record(out, name, "none", "")
put(out, name, value::Bool) = record(out, name, "bool", value ? "1" : "0")
put(out, name, value::Union{whole,Int128,UInt128,BigInt}) = record(out, name, "int", string(value))
put(out, name, value::floats) = record(out, name, "float", string(Float64(value)))
put(out, name, value) = refuse(value)

function put(out, name, value::Rational)
    iszero(denominator(value)) && throw(Refused("$value is no fraction in Python"))
    record(out, name, "rational", string(numerator(value), '/', denominator(value)))
end

part(value::floats) = string(Float64(value))
part(value::Bool) = value ? "1" : "0"
part(value::whole) = -2^53 <= value <= 2^53 ? string(value) : throw(Refused("$value is no double"))
part(value) = refuse(value)
put(out, name, value::Complex) = record(out, name, "complex", string(part(value.re), ' ', part(value.im)))

function put(out, name, value::AbstractString)
    isvalid(value) || throw(Refused("a text in it is not valid UTF-8"))
    record(out, name, "str", String(value))
end

put(out, name, value::AbstractChar) = put(out, name, string(value))
put(out, name, value::Base.CodeUnits{UInt8}) = record(out, name, "bytes", collect(value))

function put_items(out, name, items)
    print(out, name, " list - ", length(items), '\n')
    foreach(item -> put(out, "-", item), items)
end

function put(out, name, value::Tuple)
    mark(out, name, "tuple", 1)
    put_items(out, "items", value)
end

function put_pairs(out, name, names, values)
    # not as records have it: a key may be empty
    all(key -> key isa AbstractString, names) || throw(Refused("the keys of a dictionary must be texts"))
    mark(out, name, "dict", 2)
    put_items(out, "keys", names)
    put_items(out, "values", values)
end

put(out, name, value::AbstractDict) = put_pairs(out, name, collect(keys(value)), collect(values(value)))
put(out, name, value::NamedTuple) = put_pairs(out, name, [string(key) for key in keys(value)], collect(Any, values(value)))

function put(out, name, value::AbstractArray)
    Base.has_offset_axes(value) && throw(Refused("an array whose indices do not begin with 1 cannot travel"))
    startswith(string(nameof(typeof(value))), "Sparse") && throw(Refused("a sparse array cannot travel: collect() it"))
    ndims(value) == 0 && throw(Refused("an array without dimensions cannot travel: send x[]"))
    if haskey(kinds, eltype(value))
        dense = Array(value)
        print(out, name, ' ', kinds[eltype(value)], ' ', join(size(dense), 'x'), ' ', sizeof(dense), '\n')
        write(out, dense, '\n')
    elseif ndims(value) == 1
        put_items(out, name, value)
    else
        throw(Refused("an array of $(eltype(value)) with $(ndims(value)) dimensions cannot travel: send lists"))
    end
end

function put_named(out, name)
    if !Base.invokelatest(isdefined, Main, Symbol(name))
        return record(out, name, "missing", "")
    end
    written = IOBuffer()
    try
        Base.invokelatest(put, written, name, Core.eval(Main, Symbol(name)))
        write(out, take!(written))
    catch problem
        problem isa InterruptException && rethrow()
        why = problem isa Refused ? problem.why : sprint(showerror, problem)
        record(out, name, "refused", replace(why, '\n' => ' '))
    end
end

function finish(path, mark, names)
    open(joinpath(Main.everest_cell.home, path), "w") do out
        foreach(name -> put_named(out, name), names)
        println(out, mark)
    end
end

end
