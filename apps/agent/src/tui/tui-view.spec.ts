import { describe, expect, it } from 'vitest';
import type { Key } from './keys.js';
import { atScreen, choice, DISKS, freshState, IMAGES } from './tui-state.builder.js';
import type { TuiState } from './tui-state.js';
import { update } from './tui-update.js';
import { viewTui } from './tui-view.js';

const shown = (state: TuiState, columns = 80, rows = 24): string => viewTui(state, columns, rows).join('\n');
const press = (state: TuiState, ...keys: (Key['kind'] | string)[]): TuiState =>
  keys.reduce((now, key) => {
    const pressed = (key.length === 1 ? { kind: 'text', text: key } : { kind: key }) as Key;
    return update(now, { type: 'key', key: pressed }).state;
  }, state);

describe('the screen of the terminal UI', () => {
  it.each([
    [80, 24],
    [80, 25],
    [132, 43],
    [60, 16],
  ])('fills %i columns and %i rows, and no more, on every page', (columns, rows) => {
    for (const state of Object.values(atScreen)) {
      const lines = viewTui(state, columns, rows);
      expect(lines).toHaveLength(rows);
      for (const line of lines) expect(line).toMatch(new RegExp(`^[\\x20-\\x7e]{0,${columns - 1}}$`));
    }
  });

  it('calls what lies behind it by its name, where there is something', () => {
    expect(shown(freshState({ quitTo: 'root shell' }))).toMatch(/q root shell$/);
    expect(shown(freshState({ quitTo: undefined }))).not.toMatch(/\bq /);
  });

  it('says how large it must be when it is not', () => {
    expect(shown(freshState(), 40, 10)).toContain('This window is too small: 40x10.\nbty needs 60x16.');
  });

  it('shows no control character of a name', () => {
    const [image] = IMAGES;
    const evil = { ...image, name: 'a\x1b[2Jb.img' };
    expect(shown(freshState({ images: [evil] }))).toContain('> a?[2Jb.img');
  });

  it('keeps the cursor of a long list in sight', () => {
    const [image] = IMAGES;
    const images = Array.from({ length: 100 }, (_image, index) => ({ ...image, name: `image-${index}.img` }));
    const screen = shown(press(freshState({ images }), 'end'));
    expect(screen).toContain('> image-99.img');
    expect(screen).toContain('  84 to 100 of 100');
    expect(shown(press(freshState({ images }), 'end', 'home'))).toContain('> image-0.img');
  });

  it('says what to do when there is nothing', () => {
    expect(shown(freshState({ images: [] }))).toContain('Put .img, .img.zst or .qcow2 files there, and press r.');
    expect(shown(freshState({ images: { problem: 'the server does not answer' } }))).toMatch(
      /FAILED: the server does not answer\nPress r to try again/,
    );
  });

  it('asks in full for what must be typed, and shows the keys, in a narrow window', () => {
    expect(shown(atScreen.confirm, 60, 16).replaceAll('\n', ' ')).toContain(
      'type the end of its serial, 1234, and press Enter: : _',
    );
    expect(shown(atScreen.disks, 60, 16)).toMatch(/r look again {2}q quit$/);
  });

  it('moves a plan that has no room through it, and marks what is left out', () => {
    const plan = { lines: Array.from({ length: 30 }, (_line, index) => `line ${index + 1}`), refused: false };
    const state = freshState({ step: { screen: 'confirm', choice: choice(), plan, top: 0, typed: '' } });
    expect(shown(state)).toContain('line 14\n            ... lines 1 to 14 of 30, Up/Down move\n\nTo overwrite');
    const below = press(state, 'page-down', 'down');
    expect(shown(below)).toMatch(/\nline 12\n[\s\S]*\nline 25\n {12}\.\.\. lines 12 to 25 of 30/);
    expect(shown(press(below, 'home'))).toBe(shown(state));
    expect(shown(press(state, 'end', 'k'))).toContain('\n: k_\n');
  });

  it('breaks a long reason at its blanks', () => {
    const problem = `http://10.77.0.1:8080 shows its images ${'only '.repeat(10)}to who proves himself`;
    expect(shown(freshState({ images: { problem } }))).toContain(
      `only only only only only only\nonly only only only to who proves himself\nPress r to try again.`,
    );
  });

  it("shows the server's job in place of what a person does", () => {
    const screen = shown(atScreen.job);
    expect(screen).toContain('The server has handed over a flash job. It needs nobody here.');
    expect(screen).toContain('debian-13.img to /dev/sda');
    expect(shown(press(atScreen.job, 'enter'))).toContain('this ends by itself');
  });
});

describe('the way through the terminal UI', () => {
  it('leads to the flash only by the end of the serial', () => {
    const at = (keys: string[]): ReturnType<typeof update> => {
      const typed = press(atScreen.confirm, ...keys);
      return update(typed, { type: 'key', key: { kind: 'enter' } });
    };
    expect(at(['y', 'e', 's']).effects).toEqual([]);
    expect(at(['y', 'e', 's']).state.notice).toBe('Type 1234 to write this disk, or go back with Esc.');
    expect(at(['1', '2', '3', '5', 'backspace', '4']).effects).toEqual([{ type: 'flash', choice: choice() }]);
  });

  it('asks for the name of a disk without a serial', () => {
    const { serial: _serial, ...disk } = DISKS[1].disk;
    const step = {
      screen: 'confirm' as const,
      choice: { ...choice(), disk },
      plan: { lines: [], refused: false },
      top: 0,
      typed: '',
    };
    expect(shown(freshState({ step }))).toContain('type its name, sdb, and press Enter:');
  });

  it('does not lead to a disk that must not be written, nor anywhere without root', () => {
    const disks = press(freshState(), 'enter');
    expect(shown(press({ ...disks, disks: DISKS }, 'enter'))).toContain('It cannot be written: in use: /dev/sda1');
    expect(shown(press({ ...disks, disks: DISKS, root: false }, 'down', 'enter'))).toContain('sudo bty tui');
  });

  it('does not lead past an image that cannot be flashed', () => {
    expect(shown(press(freshState(), 'end', 'enter'))).toContain('It cannot be flashed: named .qcow2');
  });

  it('asks for the path of the user-data, and goes on with it', () => {
    const typed = press(atScreen.provisioning, 'down', 'enter', '/', 'u', 'backspace', 'x');
    expect(shown(typed)).toContain(': /x_');
    const { effects } = update(typed, { type: 'key', key: { kind: 'enter' } });
    expect(effects).toEqual([{ type: 'plan', choice: choice({ mode: 'cloud-init', file: '/x' }) }]);
    expect(shown(press(atScreen.provisioning, 'down', 'enter', 'enter'))).toContain('Give the path of a file');
    expect(shown(press(atScreen.provisioning, 'down', 'down', 'enter'))).toContain('Path of the workflow:');
  });

  it('stops a flash only when it is asked twice', () => {
    const asked = press(atScreen.flashing, 'interrupt');
    expect(shown(asked)).toContain('Press y to stop, any other key to go on.');
    expect(shown(press(asked, 'n'))).not.toContain('Press y');
    const { state, effects } = update(asked, { type: 'key', key: { kind: 'text', text: 'y' } });
    expect(effects).toEqual([{ type: 'stop-flash' }]);
    expect(shown(state)).toContain('Stopping ...');
  });

  it('goes back step by step, and forgets what it had looked at', () => {
    const { state, effects } = update(atScreen.confirm, { type: 'key', key: { kind: 'escape' } });
    expect(effects).toEqual([{ type: 'forget-plan' }, { type: 'load-disks' }]);
    expect(press(state, 'escape').step).toEqual({ screen: 'images' });
  });

  it("asks for the images once more when the agent's connection is there, unless they are listed", () => {
    const work = { connection: 'connected', job: undefined, outcome: '' };
    const connected = (state: TuiState) => update(state, { type: 'agent', work });
    const refused = connected(freshState({ images: { problem: 'it says no' } }));
    expect(refused.effects).toEqual([{ type: 'load-images' }]);
    expect(connected({ ...refused.state, images: { problem: 'it says no' } }).effects).toEqual([]);
    expect(connected(freshState()).effects).toEqual([]);
  });

  it('offers the reboot where there is one, after a flash that was done', () => {
    const reboot = update({ ...atScreen.result, canReboot: true }, { type: 'key', key: { kind: 'text', text: 'b' } });
    expect(reboot.effects).toEqual([{ type: 'reboot' }]);
    expect(update(atScreen.result, { type: 'key', key: { kind: 'text', text: 'b' } }).effects).toEqual([]);
  });
});
