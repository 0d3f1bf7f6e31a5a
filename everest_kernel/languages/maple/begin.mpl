interface(errorbreak = 2, echo = 0):
everest_done := false:
everest_figure := 0:
everest_mark := proc(everest_place)
  printf("%s", cat(convert([2], 'bytes'), everest_place, convert([3], 'bytes')))
end proc:
everest_at := proc(everest_line)
  everest_mark(cat("line ", convert(everest_line, 'string')))
end proc:
everest_draw := proc(everest_line, everest_device)
  global everest_figure;
  everest_figure := everest_figure + 1;
  plotsetup(everest_device, 'plotoutput' = sprintf("everest-plot-%03d.%s", everest_figure, everest_device),
    'plotoptions' = "width=640,height=480,noborder");
  everest_at(everest_line)
end proc:
