import { FLASH_STAGES } from '@bty/wire-types';
import { humanBytes, humanSeconds, progressBar } from '../screen/render.js';
import {
  confirmWord,
  found,
  type Lookup,
  TUI_MODES,
  type TuiFlash,
  type TuiImage,
  type TuiState,
  type TuiStep,
} from './tui-state.js';

type Step<Name extends TuiStep['screen']> = Extract<TuiStep, { screen: Name }>;

/** Lines from top to bottom, and the keys that mean something now. */
interface Page {
  title: string;
  lines: readonly string[];
  keys: string;
}

/** How much of a page can be seen. */
interface Room {
  rows: number;
  columns: number;
}

const MOVE_KEYS = 'Up/Down move   Enter choose   ';

const quitKey = ({ quitTo }: TuiState): string => (quitTo === undefined ? '' : `   q ${quitTo}`);

/** The part of a list around its cursor that fits, with a mark at the cursor and a word on what lies outside. */
function listLines(entries: readonly string[], cursor: number, rows: number): string[] {
  if (entries.length <= rows) return entries.map((entry, index) => `${index === cursor ? '>' : ' '} ${entry}`);
  const shown = Math.max(1, rows - 1);
  const first = Math.max(0, Math.min(cursor - Math.floor(shown / 2), entries.length - shown));
  const lines = entries
    .slice(first, first + shown)
    .map((entry, index) => `${first + index === cursor ? '>' : ' '} ${entry}`);
  return [...lines, `  ${first + 1} to ${first + shown} of ${entries.length}`];
}

/** A sentence in lines of at most so many characters, broken at blanks where there are some. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let left = text;
  while (left.length > columns) {
    const blank = left.lastIndexOf(' ', columns);
    const end = blank > 0 ? blank : columns;
    lines.push(left.slice(0, end));
    left = left.slice(end).trimStart();
  }
  return [...lines, left];
}

function lookupLines<T>(lookup: Lookup<T>, waiting: string, none: readonly string[], columns: number) {
  if (lookup === undefined) return [waiting];
  if ('problem' in lookup) return [...wrapped(`FAILED: ${lookup.problem}`, columns), 'Press r to try again.'];
  return lookup.length === 0 ? [...none] : undefined;
}

function imageEntry({ name, sizeBytes, contentBytes, problem }: TuiImage, width: number): string {
  const disk = contentBytes === undefined ? '' : `  for a disk of ${humanBytes(contentBytes).padStart(8)}`;
  const text = `${name.padEnd(width)}  ${humanBytes(sizeBytes).padStart(9)}${disk}`;
  return problem === undefined ? text : `${name.padEnd(width)}  NOT USABLE: ${problem}`;
}

function imagesPage(state: TuiState, { rows, columns }: Room): Page {
  const { images, imageCursor } = state;
  const none = ['There is no image here.', 'Put .img, .img.zst or .qcow2 files there, and press r.'];
  const width = Math.min(40, Math.max(0, ...found(images).map(({ name }) => name.length)));
  const entries = found(images).map((image) => imageEntry(image, width));
  const lines = lookupLines(images, 'Reading ...', none, columns) ?? listLines(entries, imageCursor, rows);
  return { title: 'Which image?', lines, keys: `${MOVE_KEYS}r read again${quitKey(state)}` };
}

function disksPage(state: TuiState, { rows, columns }: Room): Page {
  const { disks, diskCursor } = state;
  const none = ['This machine shows no disk.', 'Is a driver missing, or a cable? Press r to look again.'];
  const entries = found(disks).map(({ disk, objections }) => {
    const name = `${disk.path.padEnd(14)} ${humanBytes(disk.size_bytes).padStart(9)}  ${disk.transport.padEnd(6)}`;
    const who = `${disk.model ?? 'no model'}  ${disk.serial ?? 'no serial'}`;
    return `${name} ${who}${objections.length > 0 ? '  (not a target)' : ''}`;
  });
  const under = found(disks)[diskCursor];
  const details =
    under === undefined
      ? []
      : [
          '',
          `On ${under.disk.path} now:`,
          ...under.content.map((line) => `  ${line}`),
          ...under.objections.flatMap((line) => wrapped(`Not a target: ${line}`, columns)),
        ];
  const listRows = Math.max(3, rows - details.length);
  const lines = lookupLines(disks, 'Looking at the disks ...', none, columns) ?? [
    ...listLines(entries, diskCursor, listRows),
    ...details,
  ];
  return { title: 'Which disk?', lines, keys: `${MOVE_KEYS}Esc back   r look again${quitKey(state)}` };
}

const MODE_TEXTS: Record<(typeof TUI_MODES)[number], string> = {
  none: 'none        the disk becomes the image, and nothing else',
  'cloud-init': 'cloud-init  a user-data file is laid down for the first boot',
  cijoe: 'cijoe       a workflow works on the file systems of the disk',
};

function provisioningPage({ mode, file }: Step<'provisioning'>): Page {
  const lines = listLines(
    TUI_MODES.map((one) => MODE_TEXTS[one]),
    mode,
    TUI_MODES.length,
  );
  const title = 'How is the flashed system configured?';
  if (file === undefined) return { title, lines, keys: `${MOVE_KEYS}Esc back` };
  const what = TUI_MODES[mode] === 'cijoe' ? 'workflow' : 'user-data file';
  return { title, lines: [...lines, '', `Path of the ${what}:`, `: ${file}_`], keys: 'Enter go on   Esc back' };
}

/** As much of a plan as there is room for, from its line `top` on. */
function planPart(lines: readonly string[], top: number, rows: number): string[] {
  if (lines.length <= rows) return [...lines];
  const part = lines.slice(top, top + rows - 1);
  return [...part, `            ... lines ${top + 1} to ${top + part.length} of ${lines.length}, Up/Down move`];
}

function confirmPage({ choice, plan, top, typed }: Step<'confirm'>, { rows, columns }: Room): Page {
  const { disk, image } = choice;
  if (plan === undefined) {
    return { title: 'Is this right?', lines: [`Looking at ${image.name} and ${disk.path} ...`], keys: 'Esc back' };
  }
  if (plan.refused) {
    const lines = planPart(
      plan.lines.flatMap((line) => wrapped(line, columns)),
      top,
      rows,
    );
    return { title: 'This cannot be done', lines, keys: 'Esc back' };
  }
  const word = confirmWord(disk);
  const what = disk.path.endsWith(`/${word}`) ? 'its name' : 'the end of its serial';
  const question = `To overwrite this disk, type ${what}, ${word}, and press Enter:`;
  const ask = ['', ...wrapped(question, columns), `: ${typed}_`];
  const shown = planPart(plan.lines, top, rows - ask.length);
  return { title: 'Is this right?', lines: [...shown, ...ask], keys: 'Enter overwrite the disk   Esc back' };
}

function stageLines({ stages, bytesDone, bytesTotal, bytesPerSecond }: TuiFlash, provisioned: boolean): string[] {
  const known = FLASH_STAGES.filter((stage) => stage !== 'rebooting' && (provisioned || stage !== 'provisioning'));
  const present = FLASH_STAGES.indexOf(stages.at(-1)?.stage ?? 'preparing');
  return known.map((stage) => {
    const index = stages.findIndex((one) => one.stage === stage);
    const begun = stages[index];
    const name = stage.padEnd(13);
    if (begun === undefined) return `  ${FLASH_STAGES.indexOf(stage) < present ? '-' : ' '} ${name}`;
    const next = stages[index + 1];
    if (next !== undefined) return `  x ${name}${humanSeconds((next.sinceMs - begun.sinceMs) / 1000)}`;
    return `  > ${name}${progressBar(bytesDone, bytesTotal, bytesPerSecond)}`;
  });
}

function flashingPage({ choice, flash }: Step<'flashing'>): Page {
  const { image, disk } = choice;
  const amount =
    flash.bytesTotal === undefined
      ? ''
      : `  ${humanBytes(flash.bytesDone)} of ${humanBytes(flash.bytesTotal)}  ${humanBytes(flash.bytesPerSecond)}/s`;
  const ask = flash.asking
    ? ['', 'Stop? What was begun stays unfinished: the disk will not boot.', 'Press y to stop, any other key to go on.']
    : [];
  const lines = [
    `${image.name} to ${disk.path}  ${disk.model ?? 'no model'}  ${disk.serial ?? 'no serial'}`,
    '',
    ...stageLines(flash, choice.provisioning.mode !== 'none'),
    '',
    `  ${humanSeconds((flash.nowMs - flash.startedMs) / 1000)} so far${amount}`,
    ...(flash.stopping ? ['', 'Stopping ...'] : ask),
  ];
  return { title: 'Flashing', lines, keys: 'Ctrl-C stop' };
}

function resultPage(step: Step<'result'>, state: TuiState, { columns }: Room): Page {
  const { done } = step;
  const lines = step.lines.flatMap((line) => wrapped(line, columns));
  const reboot = done && state.canReboot ? '   b boot from the disk' : '';
  return { title: done ? 'Done' : 'FAILED', lines, keys: `Enter flash another${reboot}${quitKey(state)}` };
}

function jobPage({ agent }: TuiState): Page | undefined {
  const job = agent?.job;
  if (job === undefined) return undefined;
  const amount = job.bytesTotal === undefined ? '' : `  ${humanBytes(job.bytesDone)} of ${humanBytes(job.bytesTotal)}`;
  const checks = job.kind === 'check';
  const disk = job.target ?? 'a disk not chosen yet';
  const lines = [
    `The server has handed over a ${job.kind} job. It needs nobody here.`,
    '',
    checks ? `${disk} against ${job.imageName}; nothing is written` : `${job.imageName} to ${disk}`,
    `  ${job.stage}${amount}${job.bytesPerSecond > 0 ? `  ${humanBytes(job.bytesPerSecond)}/s` : ''}`,
    `  ${progressBar(job.bytesDone, job.bytesTotal, job.bytesPerSecond)}`,
  ];
  return { title: checks ? 'Checking for the server' : 'Flashing for the server', lines, keys: '' };
}

/** What the screen is about now, as far as there is room for it. The server's job comes before what a person does. */
export function pageOf(state: TuiState, room: Room): Page {
  const { step } = state;
  const job = jobPage(state);
  if (job !== undefined) return job;
  switch (step.screen) {
    case 'images':
      return imagesPage(state, room);
    case 'disks':
      return disksPage(state, room);
    case 'provisioning':
      return provisioningPage(step);
    case 'confirm':
      return confirmPage(step, room);
    case 'flashing':
      return flashingPage(step);
    case 'result':
      return resultPage(step, state, room);
  }
}
