import type { ByteRange } from '@bty/image-format';

/** Takes the bytes of a range as they come, part by part. */
export interface PartReceiver {
  /** Memory that the next bytes fill; all parts together have the length of the range. */
  next(): Buffer;
  /** That memory is full. Nothing more is received until this is settled; what it throws ends the transfer. */
  full(): Promise<void>;
}

/** Where the frames of a pack come from. */
export interface FrameSource {
  /**
   * Receives a range of the pack. Interruptions that pass are bridged, for as long as the server is away; everything else
   * throws a BtyError, or what the receiver threw.
   */
  receive(range: ByteRange, receiver: PartReceiver, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Fills the whole buffer with the bytes of the pack from `offsetBytes` on. */
export function fetchInto(
  source: Pick<FrameSource, 'receive'>,
  offsetBytes: number,
  into: Buffer,
  signal: AbortSignal,
): Promise<void> {
  const receiver = { next: () => into, full: async () => undefined };
  return source.receive({ offsetBytes, lengthBytes: into.length }, receiver, signal);
}
