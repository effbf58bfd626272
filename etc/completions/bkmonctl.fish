# Completion of bkmonctl for fish: bkmonctl itself knows the words.
function __bkmonctl_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($before[1] __complete fish (count $before) $before "$current" 2>/dev/null)
    if test "$lines[1]" = :files
        __fish_complete_path "$current"
    else if test -n "$lines[1]"
        printf '%s\n' $lines
    end
end
complete -c bkmonctl -f -k -a '(__bkmonctl_complete)'
