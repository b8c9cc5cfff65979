/** Why a file of this size cannot be a raw disk image, or undefined when it can. */
export function rawSizeProblem(sizeBytes: number): string | undefined {
  if (sizeBytes === 0) return 'the image is empty';
  if (sizeBytes % 512 !== 0) return `the image has ${sizeBytes} bytes, which is no multiple of 512: is it cut off?`;
  return undefined;
}
