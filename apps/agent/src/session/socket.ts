/** What happens on a socket. After `onClose` nothing more does. */
export interface SocketEvents {
  onOpen(): void;
  onMessage(text: string): void;
  /** The other end gave a sign of life that is no message. */
  onAlive(): void;
  onClose(code: number, reason: string): void;
}

/** One connection to the server, open or about to be. */
export interface AgentSocket {
  send(text: string): void;
  /** Bytes that were sent and still wait in this process. */
  pendingBytes(): number;
  close(code: number, reason: string): void;
  /** Ends at once, without a word to the other side. */
  terminate(): void;
}

export type OpenSocket = (events: SocketEvents) => AgentSocket;
