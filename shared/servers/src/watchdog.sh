# $1: what the watchdog runs when the parent is gone; the rest: the program and its arguments.
# Standard input is a pipe that only the parent holds open and never writes to.
farewell=$1
shift
exec 3<&0 </dev/null
(
    trap '' HUP INT QUIT TERM
    read -r _ <&3
    eval "$farewell"
    # The whole process group. While this shell is in it, no stranger can get its number.
    # This spelling is the one that dash, bash and busybox all understand.
    kill -KILL "-$$"
) >/dev/null 2>&1 &
# The program takes this shell's place, so it has the process id that the parent knows.
exec "$@" 3<&-
