import type { Key } from './keys.js';
import {
  type AgentWork,
  confirmWord,
  found,
  TUI_MODES,
  type TuiChange,
  type TuiEffect,
  type TuiEvent,
  type TuiFlash,
  type TuiProvisioning,
  type TuiState,
  type TuiStep,
} from './tui-state.js';

type Step<Name extends TuiStep['screen']> = Extract<TuiStep, { screen: Name }>;

const PAGE = 10;
const MAX_TYPED = 200;

const stay = (state: TuiState, notice = ''): TuiChange => ({ state: { ...state, notice }, effects: [] });
const go = (state: TuiState, step: TuiStep, ...effects: TuiEffect[]): TuiChange => ({
  state: { ...state, step, notice: '' },
  effects,
});

const quit = (state: TuiState): TuiChange => ({ state, effects: state.quitTo === undefined ? [] : [{ type: 'quit' }] });

/** Where a cursor goes; undefined for keys that move none. */
function moved(key: Key, cursor: number, count: number): number | undefined {
  const to: Partial<Record<Key['kind'], number>> = {
    up: cursor - 1,
    down: cursor + 1,
    'page-up': cursor - PAGE,
    'page-down': cursor + PAGE,
    home: 0,
    end: count - 1,
  };
  const letters: Record<string, number> = { k: cursor - 1, j: cursor + 1 };
  const next = key.kind === 'text' ? letters[key.text] : to[key.kind];
  return next === undefined ? undefined : Math.max(0, Math.min(count - 1, next));
}

const isBack = ({ kind }: Key): boolean => kind === 'escape' || kind === 'left';
const isForward = ({ kind }: Key): boolean => kind === 'enter' || kind === 'right';
const typedBy = (key: Key): string | undefined => (key.kind === 'text' ? key.text : undefined);

/** A line that is typed: undefined when the key does not belong to it. */
function edited(line: string, key: Key): string | undefined {
  if (key.kind === 'backspace') return line.slice(0, -1);
  const text = typedBy(key);
  return text === undefined ? undefined : `${line}${text}`.slice(0, MAX_TYPED);
}

function imagesKey(state: TuiState, key: Key): TuiChange {
  const images = found(state.images);
  const cursor = moved(key, state.imageCursor, images.length);
  if (cursor !== undefined) return stay({ ...state, imageCursor: cursor });
  const image = images[state.imageCursor];
  if (isForward(key)) {
    if (image === undefined) return stay(state, 'There is no image to choose.');
    if (image.problem !== undefined) return stay(state, `It cannot be flashed: ${image.problem}`);
    return go({ ...state, disks: undefined }, { screen: 'disks', image }, { type: 'load-disks' });
  }
  if (typedBy(key) === 'r')
    return { state: { ...state, images: undefined, notice: '' }, effects: [{ type: 'load-images' }] };
  if (typedBy(key) === 'q') return quit(state);
  return stay(state);
}

function disksKey(state: TuiState, step: Step<'disks'>, key: Key): TuiChange {
  const disks = found(state.disks);
  const cursor = moved(key, state.diskCursor, disks.length);
  if (cursor !== undefined) return stay({ ...state, diskCursor: cursor });
  if (isBack(key)) return go(state, { screen: 'images' });
  const disk = disks[state.diskCursor];
  if (isForward(key)) {
    if (disk === undefined) return stay(state, 'There is no disk to choose.');
    if (!state.root) return stay(state, 'Only root may write a disk. Leave with q, then: sudo bty tui');
    const [objection] = disk.objections;
    if (objection !== undefined) return stay(state, `It cannot be written: ${objection}`);
    return go(state, { screen: 'provisioning', image: step.image, disk, mode: 0, file: undefined });
  }
  if (typedBy(key) === 'r')
    return { state: { ...state, disks: undefined, notice: '' }, effects: [{ type: 'load-disks' }] };
  if (typedBy(key) === 'q') return quit(state);
  return stay(state);
}

function confirmation(state: TuiState, step: Step<'provisioning'>, provisioning: TuiProvisioning): TuiChange {
  const choice = { image: step.image, disk: step.disk.disk, provisioning };
  return go(state, { screen: 'confirm', choice, plan: undefined, top: 0, typed: '' }, { type: 'plan', choice });
}

function provisioningKey(state: TuiState, step: Step<'provisioning'>, key: Key): TuiChange {
  const { file, mode: index } = step;
  const mode = TUI_MODES[index] ?? 'none';
  if (file !== undefined && mode !== 'none') {
    if (key.kind === 'escape') return go(state, { ...step, file: undefined });
    if (key.kind === 'enter') {
      if (file === '') return stay(state, 'Give the path of a file, or go back with Esc.');
      return confirmation(state, step, { mode, file });
    }
    return go(state, { ...step, file: edited(file, key) ?? file });
  }
  const cursor = moved(key, index, TUI_MODES.length);
  if (cursor !== undefined) return go(state, { ...step, mode: cursor });
  if (isBack(key)) return go(state, { screen: 'disks', image: step.image });
  if (!isForward(key)) return stay(state);
  return mode === 'none' ? confirmation(state, step, { mode }) : go(state, { ...step, file: '' });
}

function confirmKey(state: TuiState, step: Step<'confirm'>, key: Key): TuiChange {
  const { choice, plan, typed } = step;
  if (key.kind === 'escape') {
    return go(
      { ...state, disks: undefined },
      { screen: 'disks', image: choice.image },
      { type: 'forget-plan' },
      { type: 'load-disks' },
    );
  }
  if (plan === undefined) return stay(state);
  const top = key.kind === 'text' ? undefined : moved(key, step.top, plan.lines.length);
  if (top !== undefined) return go(state, { ...step, top });
  if (plan.refused) return stay(state, 'Nothing can be written. Go back with Esc.');
  if (key.kind !== 'enter') return go(state, { ...step, typed: edited(typed, key) ?? typed });
  const word = confirmWord(choice.disk);
  if (typed !== word) return stay(state, `Type ${word} to write this disk, or go back with Esc.`);
  return { state: { ...state, notice: '' }, effects: [{ type: 'flash', choice }] };
}

function flashingKey(state: TuiState, step: Step<'flashing'>, key: Key): TuiChange {
  const { flash } = step;
  const withFlash = (more: Partial<TuiFlash>, ...effects: TuiEffect[]): TuiChange =>
    go(state, { ...step, flash: { ...flash, ...more } }, ...effects);
  if (flash.stopping) return stay(state);
  if (!flash.asking) return key.kind === 'interrupt' ? withFlash({ asking: true }) : stay(state);
  if (typedBy(key) === 'y') return withFlash({ asking: false, stopping: true }, { type: 'stop-flash' });
  return withFlash({ asking: false });
}

function resultKey(state: TuiState, step: Step<'result'>, key: Key): TuiChange {
  if (typedBy(key) === 'q') return quit(state);
  if (typedBy(key) === 'b' && step.done && state.canReboot) return { state, effects: [{ type: 'reboot' }] };
  if (isForward(key) || isBack(key))
    return go({ ...state, images: undefined }, { screen: 'images' }, { type: 'load-images' });
  return stay(state);
}

function afterKey(state: TuiState, key: Key): TuiChange {
  const { step } = state;
  if (key.kind === 'redraw') return { state, effects: [{ type: 'redraw' }] };
  if (state.agent?.job !== undefined) return stay(state, 'The server is flashing this machine; this ends by itself.');
  if (key.kind === 'interrupt' && step.screen !== 'flashing') return quit(state);
  switch (step.screen) {
    case 'images':
      return imagesKey(state, key);
    case 'disks':
      return disksKey(state, step, key);
    case 'provisioning':
      return provisioningKey(state, step, key);
    case 'confirm':
      return confirmKey(state, step, key);
    case 'flashing':
      return flashingKey(state, step, key);
    case 'result':
      return resultKey(state, step, key);
  }
}

const within = (cursor: number, count: number): number => Math.max(0, Math.min(cursor, count - 1));

function afterStage(state: TuiState, { stage, nowMs }: Extract<TuiEvent, { type: 'stage' }>): TuiChange {
  const { step } = state;
  if (step.screen !== 'flashing' && step.screen !== 'confirm') return { state, effects: [] };
  const fresh = { stage, sinceMs: nowMs };
  const before =
    step.screen === 'flashing' ? step.flash : { startedMs: nowMs, stages: [], asking: false, stopping: false };
  const stages = [...before.stages, fresh];
  const flash = { ...before, nowMs, stages, bytesDone: 0, bytesTotal: undefined, bytesPerSecond: 0 };
  return { state: { ...state, notice: '', step: { screen: 'flashing', choice: step.choice, flash } }, effects: [] };
}

/** With its agent's connection, a server may show the images that it has not shown so far. */
function afterAgent(state: TuiState, work: AgentWork): TuiChange {
  const { images, agent } = state;
  const connects = work.connection === 'connected' && agent?.connection !== 'connected';
  const listed = images !== undefined && !('problem' in images);
  if (!connects || listed) return { state: { ...state, agent: work }, effects: [] };
  return { state: { ...state, agent: work, images: undefined }, effects: [{ type: 'load-images' }] };
}

/** What follows from an event. Pure: what is to be done in the world is said by the effects. */
export function update(state: TuiState, event: TuiEvent): TuiChange {
  const { step } = state;
  const only = (more: Partial<TuiState>): TuiChange => ({ state: { ...state, ...more }, effects: [] });
  switch (event.type) {
    case 'key':
      return afterKey(state, event.key);
    case 'images':
      return only({ images: event.images, imageCursor: within(state.imageCursor, found(event.images).length) });
    case 'disks':
      return only({ disks: event.disks, diskCursor: within(state.diskCursor, found(event.disks).length) });
    case 'planned': {
      const { lines, refused } = event;
      return step.screen === 'confirm' ? only({ step: { ...step, plan: { lines, refused } } }) : only({});
    }
    case 'stage':
      return afterStage(state, event);
    case 'progress': {
      const { type: _type, ...bytes } = event;
      return step.screen === 'flashing' ? only({ step: { ...step, flash: { ...step.flash, ...bytes } } }) : only({});
    }
    case 'finished': {
      if (step.screen !== 'flashing' && step.screen !== 'confirm') return only({});
      const { done, lines } = event;
      return only({ notice: '', step: { screen: 'result', choice: step.choice, done, lines } });
    }
    case 'agent':
      return afterAgent(state, event.work);
    case 'tick':
      return step.screen === 'flashing'
        ? only({ step: { ...step, flash: { ...step.flash, nowMs: event.nowMs } } })
        : only({});
  }
}
