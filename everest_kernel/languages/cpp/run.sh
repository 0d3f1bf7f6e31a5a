# Runs the program, and says by what signal it was killed; the shell's own words on that name a line of a script.
exec 3>&2 2> /dev/null
(exec 2>&3 3>&-; exec ./everest-program) # a redirection of the command's own would be the shell's too while it waits
everest_status=$?
exec 2>&3
everest_signal=
[ $everest_status -le 128 ] || everest_signal=$(kill -l $everest_status 2> /dev/null)
case $everest_signal in
  "") ;;
  SEGV | BUS) everest_hint=' (it used memory that is not its own; with the setting flags = "-g -fsanitize=address" it says where)' ;;
  FPE | ILL) everest_hint=' (such as an integer divided by 0; with the setting flags = "-g -fsanitize=undefined" it says where)' ;;
  KILL) everest_hint=' (perhaps the memory was used up)' ;;
esac
if [ "$everest_signal" ]; then
  echo "error: the program was killed by SIG$everest_signal$everest_hint" >&2
elif [ $everest_status -eq 0 ] && [ "$(tail -n 1 everest-written 2> /dev/null)" != ". end - 0" ]; then
  echo "error: the program ended before the end of the cell; no values came back" >&2
  everest_status=1
fi
[ $everest_status -eq 0 ] || rm -f everest-written
exit $everest_status
