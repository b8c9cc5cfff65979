import type { TmuxTerminal } from './tmux-terminal.js';

/** Chooses the image under the cursor, the one disk, no provisioning: as far as the disk is to be confirmed. */
export async function toConfirmation(at: TmuxTerminal, image: string): Promise<string> {
  await at.shows(`> ${image}`);
  at.press('Enter');
  await at.shows('> /dev/loop');
  at.press('Enter');
  await at.shows('> none');
  at.press('Enter');
  return at.shows('To overwrite this disk');
}
