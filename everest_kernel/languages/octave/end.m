function why = everest_why(value)
  % why a value cannot travel; empty when it can
  why = "";
  if iscell(value)
    if !(isempty(value) || isvector(value))
      why = sprintf("a cell array of %s cannot travel: only a row or a column can", everest_size(value));
    end
    for i = 1:numel(value)
      if isempty(why)
        why = everest_why(value{i});
      end
    end
  elseif isstruct(value)
    if numel(value) != 1
      why = "an array of structures cannot travel: make it a cell array";
      return
    end
    for field = fieldnames(value)'
      if isempty(why)
        why = everest_why(value.(field{1}));
      end
    end
  elseif ischar(value)
    if rows(value) > 1 || ndims(value) > 2
      why = "a matrix of characters cannot travel: make it a cell array of rows";
    end
  elseif issparse(value)
    why = "a sparse matrix cannot travel: make it a full one";
  elseif !(isnumeric(value) || islogical(value))
    why = sprintf("a value of class %s cannot travel", class(value));
  end
end

function text = everest_size(value)
  text = strjoin(arrayfun(@(n) sprintf("%d", n), size(value), "UniformOutput", false), "x");
end

function everest_record(file, name, kind, shape, bytes)
  fprintf(file, "%s %s %s %d\n", name, kind, shape, numel(bytes));
  fwrite(file, bytes, "uint8");
  fprintf(file, "\n");
end

function everest_put(file, name, value)
  if iscell(value)
    fprintf(file, "%s list - %d\n", name, numel(value));
    for i = 1:numel(value)
      everest_put(file, "-", value{i});
    end
  elseif isstruct(value)
    fields = fieldnames(value);
    fprintf(file, "%s dict - %d\n", name, numel(fields));
    for i = 1:numel(fields)
      everest_put(file, fields{i}, value.(fields{i}));
    end
  elseif ischar(value)
    everest_record(file, name, "str", "-", uint8(value));
  elseif isscalar(value)
    everest_scalar(file, name, value);
  else
    everest_array(file, name, value);
  end
end

function everest_scalar(file, name, value)
  if islogical(value)
    everest_record(file, name, "bool", "-", sprintf("%d", value));
  elseif isinteger(value)
    everest_record(file, name, "int", "-", sprintf("%d", value));
  elseif iscomplex(value)
    everest_record(file, name, "complex", "-", sprintf("%.17g %.17g", real(value), imag(value)));
  else
    everest_record(file, name, "float", "-", sprintf("%.17g", value));
  end
end

function everest_array(file, name, value)
  kinds = struct("double", "<f8", "single", "<f4", "logical", "|b1", ...
    "int8", "|i1", "int16", "<i2", "int32", "<i4", "int64", "<i8", ...
    "uint8", "|u1", "uint16", "<u2", "uint32", "<u4", "uint64", "<u8");
  kind = kinds.(class(value));
  shape = everest_size(value);
  if ndims(value) == 2 && rows(value) == 1
    shape = sprintf("%d", columns(value));
  end
  numbers = value(:);
  if islogical(value)
    numbers = uint8(numbers);
  end
  if iscomplex(value)
    kind = strrep(strrep(kind, "f8", "c16"), "f4", "c8");
    numbers = [real(numbers.'); imag(numbers.')](:);
  end
  fprintf(file, "%s %s %s %d\n", name, kind, shape, sizeof(numbers));
  fwrite(file, numbers, class(numbers), 0, "ieee-le");
  fprintf(file, "\n");
end
