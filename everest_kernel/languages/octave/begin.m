1; % a script, not the file of a function
setenv("EVEREST_FOLDER", pwd()); % a cell may go elsewhere, and may clear every variable
warning("off", "Octave:gnuplot-graphics");
set(0, "defaultfigurevisible", "off");
if isempty(graphics_toolkit()) && any(strcmp(available_graphics_toolkits(), "gnuplot"))
  graphics_toolkit("gnuplot");
end

function value = everest_load(name, class, shape, is_complex)
  file = fopen(name, "r");
  precision = strrep(class, "logical", "uint8");
  value = fread(file, Inf, [precision "=>" precision], 0, "ieee-le");
  fclose(file);
  if is_complex
    value = complex(value(1:2:end), value(2:2:end));
  end
  value = reshape(value, shape);
  if strcmp(class, "logical")
    value = logical(value);
  end
end
