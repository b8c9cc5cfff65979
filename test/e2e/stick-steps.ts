/** What stories about the USB stick share. */
import { build, usbStick } from '../lab/builds.ts';

/** Builds a stick's image with the agent as it is built. Returns its file. */
export function buildStick(file: string, ...options: string[]): string {
  return build(usbStick('--out', file, ...options));
}

/** A JSON document on a line of its own. */
export const JSON_LINE = /^\{.*\}$/m;
