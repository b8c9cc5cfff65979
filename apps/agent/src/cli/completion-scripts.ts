/** Shells that `bty completion` knows. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

// Each asks `bty complete` for what may stand at the cursor, and falls back on files where that knows nothing.
const SCRIPTS: Record<(typeof SHELLS)[number], string> = {
  bash: `_bty() {
  local IFS=$'\\n'
  COMPREPLY=($(bty complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _bty bty
`,
  zsh: `#compdef bty
_bty() {
  local -a found
  found=("\${(@f)$(bty complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n \${found[1]} ]]; then compadd -- "\${found[@]}"; else _files; fi
}
compdef _bty bty
`,
  fish: `function __bty_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (bty complete -- $words[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c bty -f -a '(__bty_complete)'
`,
};

/** The script that a shell reads to complete the command. */
export function completionScript(shell: (typeof SHELLS)[number]): string {
  return SCRIPTS[shell];
}
