/** What tells one disk from another. */
export interface DiskTraits {
  readonly size_bytes: number;
  readonly serial?: string | undefined;
  readonly wwn?: string | undefined;
  readonly model?: string | undefined;
}

/** A World Wide Name without its prefix, in lower case, as the tools spell it differently. Empty when there is none. */
export function worldWideName(text: string | undefined): string {
  return (text ?? '')
    .trim()
    .toLowerCase()
    .replace(/^(0x|eui\.|naa\.|uuid\.)/, '');
}

/** Whether two traits agree; undefined when one of the disks does not have it. */
function agree(one: string, other: string): boolean | undefined {
  return one === '' || other === '' ? undefined : one === other;
}

/**
 * Whether two descriptions are of the same disk: size equal, serial, WWN and model equal where both have them, and at
 * least one serial or WWN to go by. Disks without either are never known to be the same.
 */
export function isSameDisk(one: DiskTraits, other: DiskTraits): boolean {
  const serial = agree(one.serial?.trim() ?? '', other.serial?.trim() ?? '');
  const wwn = agree(worldWideName(one.wwn), worldWideName(other.wwn));
  const model = agree(one.model?.trim() ?? '', other.model?.trim() ?? '');
  const contradicted = one.size_bytes !== other.size_bytes || serial === false || wwn === false || model === false;
  return !contradicted && (serial === true || wwn === true);
}
