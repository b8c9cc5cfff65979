/** The WebSocket subprotocol: its name carries the version. A client that does not offer it is refused with HTTP 400. */
export const AGENT_SUBPROTOCOL = 'bty-agent.v1';

/** Why a socket was closed. 4xxx are ours; 1012 ("service restart") is said when the server stops. */
export const CLOSE_CODES = {
  /** A frame was not JSON, not of a known type, out of order, or failed validation. The reason names the field. */
  BAD_FRAME: 4400,
  /** The boot token or session is unknown, used, expired or revoked. The agent must not try it again. */
  UNAUTHENTICATED: 4401,
  /** No `agent.hello` came within the time limit. */
  HELLO_TIMEOUT: 4408,
  /** A newer agent of the same machine has taken over. The agent stops all writing and does not reconnect. */
  SUPERSEDED: 4409,
  /** More frames than the limit allows. */
  TOO_MANY_FRAMES: 4429,
  /** The server failed while it handled a frame; the agent reconnects. */
  SERVER_ERROR: 4500,
  /** The server is stopping; the agent reconnects. */
  SERVER_RESTART: 1012,
} as const;

/** Limits that both ends keep, in milliseconds and bytes. */
export const PROTOCOL_LIMITS = {
  helloTimeoutMs: 10_000,
  pingIntervalMs: 15_000,
  silenceTimeoutMs: 45_000,
  /** From an agent. */
  maxFrameBytes: 64 * 1024,
  /** From the server: an order may carry a whole cloud-init seed. */
  maxServerFrameBytes: 256 * 1024,
  maxLogPartChars: 16 * 1024,
  /** Parts of what a workflow prints: the first numbers of a job's log. Those of a failed job's own log come after. */
  maxOutputParts: 4096,
  maxLogParts: 64,
  /** Configuration of a workflow in an order. */
  maxWorkflowConfigBytes: 64 * 1024,
  maxReportBytes: 32 * 1024 * 1024,
  maxReportFiles: 2_000,
  progressIntervalMs: 250,
} as const;
