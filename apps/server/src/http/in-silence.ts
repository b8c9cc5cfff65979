import type { ServerResponse } from 'node:http';

/** A connection on which nothing moves this long is cut; an upload that moves may take hours. */
export const IDLE_TIMEOUT_MS = 120_000;
/** After so much silence TCP asks whether the other end is there. */
const PROBE_AFTER_MS = 30_000;

/**
 * Does what may leave the connection of a response silent for longer than the server allows: who is gone shows by the
 * probes of TCP instead. `work` gets a signal that is aborted when nobody waits for the response any more.
 */
export async function inSilence<T>(response: ServerResponse, work: (gone: AbortSignal) => Promise<T>): Promise<T> {
  const { socket } = response;
  const gone = new AbortController();
  const abort = () => gone.abort();
  response.once('close', abort);
  socket?.setTimeout(0);
  socket?.setKeepAlive(true, PROBE_AFTER_MS);
  try {
    return await work(gone.signal);
  } finally {
    response.off('close', abort);
    // The connection may serve other requests.
    socket?.setTimeout(IDLE_TIMEOUT_MS);
  }
}
