/** Names one worker process for good: `HOST:PID:RANDOM`. */
export interface WorkerId {
  readonly host: string;
  readonly pid: number;
  readonly random: string;
}

export function workerIdText({ host, pid, random }: WorkerId): string {
  return `${host}:${pid}:${random}`;
}

/**
 * Whether a worker is certainly gone, as far as a process can tell that runs on `here`: it was on this host, and its
 * process is no more, or has become another one. Workers elsewhere are judged by their silence alone.
 */
export function isGone(text: string, here: WorkerId, isAlive: (pid: number) => boolean): boolean {
  const [host, pid, random] = text.split(':');
  if (host !== here.host || random === undefined) return false;
  return Number(pid) === here.pid ? random !== here.random : !isAlive(Number(pid));
}
