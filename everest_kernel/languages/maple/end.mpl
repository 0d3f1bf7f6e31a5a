everest_commas := proc(everest_strings)
  local everest_i;
  if nops(everest_strings) = 0 then ""
  else cat(everest_strings[1], seq(cat(",", everest_strings[everest_i]), everest_i = 2 .. nops(everest_strings)))
  end if
end proc:
everest_join := proc(everest_items)
  local everest_i;
  everest_commas([seq(everest_text(everest_items[everest_i]), everest_i = 1 .. nops(everest_items))])
end proc:
everest_bytes := proc(everest_kind, everest_string)
  cat("everest_", everest_kind, "(", sprintf("%a", convert(everest_string, 'bytes')), ")")
end proc:
everest_float := proc(everest_value)
  if type(everest_value, 'undefined') then "undefined"
  elif type(everest_value, 'infinity') then
    if 0 < everest_value then "infinity" else "-infinity" end if
  elif type(everest_value, 'hfloat') then sprintf("%.17e", everest_value)
  else sprintf("%a", everest_value)
  end if
end proc:
everest_array := proc(everest_value)
  local everest_i, everest_j, everest_bounds, everest_rows;
  everest_bounds := [rtable_dims(everest_value)];
  if nops(everest_bounds) = 1 then
    cat("everest_vector(", everest_join([seq(everest_value[everest_i], everest_i = everest_bounds[1])]), ")")
  elif nops(everest_bounds) = 2 then
    everest_rows := [seq([seq(everest_value[everest_i, everest_j], everest_j = everest_bounds[2])],
      everest_i = everest_bounds[1])];
    cat("matrix[", everest_join(everest_rows), "]")
  else
    everest_bytes("refused", "an array of more than two dimensions cannot travel")
  end if
end proc:
everest_entry := proc(everest_key, everest_value)
  if nops(everest_key) = 1 then cat(everest_text(everest_key[1]), "=", everest_text(everest_value))
  else cat(everest_text(everest_key), "=", everest_text(everest_value))
  end if
end proc:
everest_table := proc(everest_value)
  local everest_i, everest_keys;
  everest_keys := [indices(everest_value)];
  cat("table(", everest_commas([seq(everest_entry(everest_keys[everest_i],
    eval(everest_value[op(everest_keys[everest_i])])), everest_i = 1 .. nops(everest_keys))]), ")")
end proc:
everest_text := proc(everest_value)
  if type(everest_value, 'string') then everest_bytes("text", everest_value)
  elif type(everest_value, 'rational') then sprintf("%a", everest_value)
  elif type(everest_value, 'float') then everest_float(everest_value)
  elif type(everest_value, 'complex'('numeric')) then
    cat("everest_complex(", everest_text(Re(everest_value)), ",", everest_text(Im(everest_value)), ")")
  elif everest_value = true or everest_value = false then sprintf("%a", everest_value)
  elif type(everest_value, 'list') then cat("[", everest_join(everest_value), "]")
  elif type(everest_value, 'set') then cat("{", everest_join([op(everest_value)]), "}")
  elif type(everest_value, 'rtable') then everest_array(everest_value)
  elif type(everest_value, 'table') then everest_table(everest_value)
  elif type(everest_value, 'procedure') then everest_bytes("refused", "a procedure cannot travel")
  elif type(everest_value, `module`) then everest_bytes("refused", "a module cannot travel")
  else everest_bytes("symbolic", sprintf("%a", everest_value))
  end if
end proc:
everest_put := proc(everest_file, everest_name, everest_values)
  fprintf(everest_file, "%s [%s]\n", everest_name, everest_join(everest_values))
end proc:
