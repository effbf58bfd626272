# Completion of bkmonctl for bash: bkmonctl itself knows the words.
_bkmonctl() {
    mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" __complete bash "$COMP_CWORD" "${COMP_WORDS[@]}" 2>/dev/null)
    if [[ ${COMPREPLY[0]-} == :files ]]; then
        COMPREPLY=()
        compopt -o default
    fi
}
complete -F _bkmonctl bkmonctl
