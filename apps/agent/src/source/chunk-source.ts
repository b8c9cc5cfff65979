/** Where an image's raw bytes come from. */
export interface ChunkSource {
  /**
   * The bytes from `startBytes` up to, not including, `endBytes`, in order, in pieces of any size. Ends only when all of
   * them were given; everything else throws a BtyError. Interruptions that pass are bridged inside.
   */
  open(range: { startBytes: number; endBytes: number }, signal: AbortSignal): AsyncIterable<Buffer>;
}
