#compdef flatland
# Completion of flatland for zsh: source <(flatland completion zsh)

_flatland() {
  local line
  local -a proposals
  for line in "${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2> /dev/null)}"; do
    if [[ $line == :file* ]]; then
      _files
    elif [[ -n $line ]]; then
      proposals+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    fi
  done
  (( ${#proposals} )) && _describe 'flatland' proposals
}
compdef _flatland flatland
