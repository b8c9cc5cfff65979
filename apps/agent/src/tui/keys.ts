/** A key that a person pressed: what it does, or the character that it writes. */
export type Key =
  | { kind: 'up' | 'down' | 'left' | 'right' | 'home' | 'end' | 'page-up' | 'page-down' }
  | { kind: 'enter' | 'escape' | 'backspace' | 'interrupt' | 'redraw' }
  | { kind: 'text'; text: string };

type Named = Exclude<Key['kind'], 'text'>;

// What VT100 and its heirs send (xterm's ctlseqs, "PC-Style Function Keys"), and the Linux console (console_codes(4)).
const SEQUENCES: Readonly<Record<string, Named>> = {
  '[A': 'up',
  '[B': 'down',
  '[C': 'right',
  '[D': 'left',
  OA: 'up',
  OB: 'down',
  OC: 'right',
  OD: 'left',
  '[H': 'home',
  '[F': 'end',
  OH: 'home',
  OF: 'end',
  '[1~': 'home',
  '[4~': 'end',
  '[5~': 'page-up',
  '[6~': 'page-down',
};
const CONTROLS: Readonly<Record<string, Named>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x03': 'interrupt',
  '\x0c': 'redraw',
};
const ESCAPE = '\x1b';
// A control sequence (ECMA-48, 5.4), or one of the three characters that a keypad in application mode sends.
const WHOLE = /^(\[[0-?]*[ -/]*[@-~]|O.)/;
const BEGUN = /^(\[[0-?]*[ -/]*|O)?$/;

/** Tells keys in what a terminal sends; a sequence may come in pieces, as it does over a slow serial line. */
export class KeyReader {
  #rest = '';

  /** The keys that are complete with this text. */
  feed(text: string): Key[] {
    let rest = this.#rest + text;
    const keys: Key[] = [];
    while (rest !== '') {
      const [char = ''] = rest;
      if (char === ESCAPE) {
        const after = rest.slice(1);
        const sequence = WHOLE.exec(after)?.[0];
        if (sequence === undefined && BEGUN.test(after)) break;
        const kind = sequence === undefined ? 'escape' : SEQUENCES[sequence];
        if (kind !== undefined) keys.push({ kind });
        rest = after.slice(sequence?.length ?? 0);
        continue;
      }
      const kind = CONTROLS[char];
      if (kind !== undefined) keys.push({ kind });
      else if (char >= ' ') keys.push({ kind: 'text', text: char });
      rest = rest.slice(char.length);
    }
    this.#rest = rest;
    return keys;
  }

  /** Whether something has begun that may be a sequence, or the Escape key alone. */
  get begun(): boolean {
    return this.#rest !== '';
  }

  /** Nothing more came: what had begun was the Escape key. */
  flush(): Key[] {
    const keys: Key[] = this.begun ? [{ kind: 'escape' }] : [];
    this.#rest = '';
    return keys;
  }
}
