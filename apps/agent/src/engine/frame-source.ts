/** Where the frames of a pack come from. */
export interface FrameSource {
  /**
   * Fills the whole buffer with the bytes of the pack from `offsetBytes` on, and resolves with the count of bytes that came
   * for it, repeated ones included. Interruptions that pass are bridged, for as long as the server is away; everything
   * else throws a BtyError.
   */
  fetch(offsetBytes: number, into: Buffer, signal: AbortSignal): Promise<number>;
  close(): void;
}
