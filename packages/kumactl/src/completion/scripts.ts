// The scripts that shells load. Each hands the words up to the cursor to `kumactl __complete` and offers the lines it prints.

/** Script by shell. */
export const completionScripts: Readonly<Record<string, string>> = {
  bash: `# Load with: source <(kumactl completion bash)
_kumactl() {
  local IFS=$'\\n'
  COMPREPLY=($(kumactl --api-timeout 2s __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _kumactl kumactl
`,
  zsh: `#compdef kumactl
# Load with: source <(kumactl completion zsh)
_kumactl() {
  local -a candidates
  candidates=("\${(@f)$(kumactl --api-timeout 2s __complete -- "\${words[@]:1:$((CURRENT-1))}" 2>/dev/null)}")
  compadd -a candidates
}
compdef _kumactl kumactl
`,
  fish: `# Load with: kumactl completion fish | source
function __kumactl_complete
  set -l words (commandline -opc) (commandline -ct)
  kumactl --api-timeout 2s __complete -- $words[2..-1] 2>/dev/null
end
complete -c kumactl -f -a '(__kumactl_complete)'
`,
  powershell: `# Load with: kumactl completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName kumactl -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if ($wordToComplete -eq '') { $words += '' }
  kumactl --api-timeout 2s __complete -- @words 2>$null | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
};
