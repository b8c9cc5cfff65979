const MARK = 'bty-run-';

/** Comment of the key of a run, by which it is found again. */
export function runKeyComment(runId: string): string {
  return `${MARK}${runId}`;
}

const PREPARE = `set -eu
umask 077
folder=$HOME/.ssh file=$HOME/.ssh/authorized_keys
mkdir -p "$folder"
touch "$file"
[ -z "$(tail -c 1 "$file")" ] || echo >>"$file"
grep -v ' ${MARK}' "$file" >"$file.bty" || :
`;

// `cat` keeps the file itself, with its owner, its mode and its label.
const REPLACE = `cat "$file.bty" >"$file"
rm "$file.bty"
`;

/**
 * Script that lets a run's own key in, and takes those of earlier runs away. So the installation's key, which opens every
 * machine, stays out of the sandbox. `publicKey` is `TYPE BASE64 COMMENT`.
 */
export function letInScript(publicKey: string): string {
  if (!/^[a-z0-9-]+ [A-Za-z0-9+/=]+ [a-z0-9-]+$/.test(publicKey)) throw new TypeError('not a public key');
  return `${PREPARE}echo '${publicKey}' >>"$file.bty"\n${REPLACE}`;
}

/** Script that takes the keys of runs away, and what was made for them. */
export const SHUT_OUT_SCRIPT = `${PREPARE}${REPLACE}[ -s "$file" ] || rm "$file"
rmdir "$folder" 2>/dev/null || :
`;
