/** Reads the variables of virtual UEFI firmware from its flash file. */
import { readFileSync } from 'node:fs';

// EDK II, MdeModulePkg/Include/Guid/VariableFormat.h: AUTHENTICATED_VARIABLE_HEADER, packed.
const START_ID = 0x55aa;
const ADDED = 0x3f;
const HEADER_BYTES = 60;

/** The bytes of a valid variable, for instance `BootOrder`; undefined when the firmware has none of that name. */
function uefiVariable(flashFile: string, name: string): Buffer | undefined {
  const flash = readFileSync(flashFile);
  const wanted = Buffer.from(`${name}\0`, 'utf16le');
  for (let at = flash.indexOf(wanted); at !== -1; at = flash.indexOf(wanted, at + 2)) {
    const header = at - HEADER_BYTES;
    if (header < 0 || flash.readUInt16LE(header) !== START_ID || flash[header + 2] !== ADDED) continue;
    if (flash.readUInt32LE(header + 36) !== wanted.length) continue;
    return flash.subarray(at + wanted.length, at + wanted.length + flash.readUInt32LE(header + 40));
  }
  return undefined;
}

/** The numbers of the firmware's boot entries in the order in which it tries them. */
export function bootOrder(flashFile: string): number[] {
  const bytes = uefiVariable(flashFile, 'BootOrder') ?? Buffer.alloc(0);
  return Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readUInt16LE(2 * index));
}
