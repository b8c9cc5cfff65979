const MAX_CHARS = 256 * 1024;
const MAX_LINE_CHARS = 4096;

/** What the agent did, line by line: shown as it happens, and kept, bounded, for the report of a failed job. */
export class AgentLog {
  readonly #lines: string[] = [];
  #chars = 0;

  constructor(
    private readonly show: (line: string) => void,
    private readonly now: () => Date,
  ) {}

  line(text: string): void {
    const line = `${this.now().toISOString()} ${text.slice(0, MAX_LINE_CHARS)}`;
    this.#lines.push(line);
    this.#chars += line.length + 1;
    while (this.#chars > MAX_CHARS) this.#chars -= (this.#lines.shift()?.length ?? 0) + 1;
    this.show(line);
  }

  text(): string {
    return this.#lines.join('\n');
  }
}
