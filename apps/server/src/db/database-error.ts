// Class 08 is "connection exception", 57P is "operator intervention" (shutdown, crash, starting up), 53300 too many clients.
const OUTAGE_SQLSTATE = /^(08...|57P0[1-5]|53300|25006)$/;
const OUTAGE_ERRNO = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
]);
const OUTAGE_TEXT =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Driver not Connected|Connection is not established|The client was closed)/i;

/** Whether an error of the database driver means "could not ask", as against "asked, and the answer is no". */
export function isDatabaseOutage(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const { code, syscall, driverError } = thrown as { code?: unknown; syscall?: unknown; driverError?: unknown };
  if (driverError instanceof Error && isDatabaseOutage(driverError)) return true;
  if (OUTAGE_TEXT.test(thrown.message)) return true;
  if (typeof code !== 'string') return false;
  // ENOENT of a file is no outage: only that of the socket is.
  return OUTAGE_SQLSTATE.test(code) || (OUTAGE_ERRNO.has(code) && syscall !== 'open' && syscall !== 'stat');
}

// A NUL or half a surrogate pair: JavaScript has texts that Postgres has no way to store or to look for.
const UNSTORABLE_SQLSTATE = new Set(['22021', '22P05']);

/** Whether Postgres refused a text of the caller because it cannot hold one of its characters. */
export function isUnstorableText(thrown: unknown): boolean {
  const { code, driverError } = (thrown ?? {}) as { code?: unknown; driverError?: unknown };
  if (driverError !== undefined) return isUnstorableText(driverError);
  return typeof code === 'string' && UNSTORABLE_SQLSTATE.has(code);
}

/** Whether Postgres refused a row because another has its key. */
export function isUniqueViolation(thrown: unknown): boolean {
  return (thrown as { driverError?: { code?: unknown } } | null)?.driverError?.code === '23505';
}
