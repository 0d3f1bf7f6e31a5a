module everest_cell

const home = pwd() # the cell may leave it
const cell = "everest_cell.jl"
const mimes = [("image/svg+xml", "svg"), ("image/png", "png"), ("image/jpeg", "jpg"), ("image/gif", "gif")]
const preferred = Ref("svg")
const figures = Ref(0)

haskey(ENV, "GKSwstype") || (ENV["GKSwstype"] = "100") # GR, which draws for Plots, must not look for a screen

function load(name, ::Type{T}, shape) where {T}
    open(joinpath(home, name)) do file
        read!(file, Array{T}(undef, shape))
    end
end

text(name) = read(joinpath(home, name), String)

# What is shown becomes a picture where it can be one

struct Pictures <: AbstractDisplay end

function write_picture(mime, suffix, value)
    figures[] += 1
    open(joinpath(home, "everest-figure-" * lpad(figures[], 3, '0') * "." * suffix), "w") do file
        Base.invokelatest(show, file, mime, value)
    end
    return true
end

function picture(value)
    for (mime, suffix) in sort(mimes; by = pair -> pair[2] != preferred[])
        Base.invokelatest(showable, MIME(mime), value) && return write_picture(MIME(mime), suffix, value)
    end
    return false
end

function Base.display(::Pictures, mime::MIME, value)
    for (known, suffix) in mimes
        string(mime) == known && return (write_picture(mime, suffix, value); nothing)
    end
    Base.invokelatest(show, stdout, mime, value)
    println()
    return nothing
end

function Base.display(::Pictures, value)
    if !picture(value)
        Base.invokelatest(show, IOContext(stdout, :limit => true), MIME("text/plain"), value)
        println()
    end
    return nothing
end

const ours = Pictures()

function on_top()
    # packages for plots put a display of their own before ours, with windows that nobody sees
    displays = Base.Multimedia.displays
    if isempty(displays) || displays[end] !== ours
        filter!(display -> display !== ours, displays)
        pushdisplay(ours)
    end
end

# Errors, at the line of the cell

function fail(message, line)
    lines = split(rstrip(message), '\n')
    flush(stdout)
    println(stderr, "error: ", lines[1], " (line ", line, " of the cell)")
    for more in lines[2:end]
        println(stderr, more)
    end
    exit(1)
end

function line_of(trace, otherwise)
    for frame in stacktrace(trace)
        if basename(string(frame.file)) == cell && frame.line > 0
            return frame.line
        end
    end
    return otherwise
end

function wrong_syntax(what, line, lines)
    message = what isa Exception ? sprint(showerror, what) : string(what)
    place = match(r"@ [^\n]*?:(\d+):\d+", message) # as the parser of Julia 1.10 and later writes it
    reason = match(r"──\s*([^\n]+)", message)
    line = place === nothing ? line : parse(Int, place[1])
    if reason !== nothing
        message = "syntax: " * reason[1]
    elseif !startswith(message, "syntax") && !startswith(message, "ParseError")
        message = "syntax: " * message
    end
    fail(message, clamp(line, 1, max(lines, 1)))
end

function soft(statement)
    # loops at top level may assign to variables outside, as at Julia's prompt and in its notebooks
    statement isa Expr || return statement
    statement.head === :toplevel && return Expr(:toplevel, map(soft, statement.args)...)
    keep = (:meta, :import, :using, :export, :public, :module, :error, :incomplete, :thunk)
    statement.head in keep && return statement
    statement.head === :global && all(name -> name isa Symbol, statement.args) && return statement
    return Expr(:block, Expr(:softscope, true), statement)
end

function run(shown)
    source = replace(text(cell), "\r\n" => "\n")
    lines = count(==('\n'), rstrip(source)) + 1
    parsed = Meta.parseall(source; filename = cell)
    statements = parsed isa Expr && parsed.head === :toplevel ? parsed.args : Any[parsed]
    line = 1
    for statement in statements
        if statement isa LineNumberNode
            line = statement.line
        elseif statement isa Expr && statement.head in (:error, :incomplete)
            wrong_syntax(isempty(statement.args) ? "" : statement.args[1], line, lines)
        end
    end
    here, value = LineNumberNode(1, Symbol(cell)), nothing
    on_top()
    try
        for statement in statements
            if statement isa LineNumberNode
                here = statement
            else
                value = Core.eval(Main, Expr(:toplevel, here, soft(statement)))
                on_top()
            end
        end
        if shown && value !== nothing
            Base.invokelatest(display, ours, value)
        end
    catch problem
        trace = catch_backtrace()
        fail(Base.invokelatest(sprint, showerror, problem), line_of(trace, here.line))
    end
    flush(stdout)
end

end
