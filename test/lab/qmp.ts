import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';

/** Sends one command to a virtual machine's QMP socket and returns its answer. */
export async function qmp(socketPath: string, command: string, args?: Record<string, unknown>): Promise<unknown> {
  const socket = createConnection(socketPath);
  try {
    const lines = createInterface({ input: socket });
    let answers = 0;
    for await (const line of lines) {
      const message = JSON.parse(line) as { QMP?: unknown; return?: unknown; error?: { desc: string }; event?: string };
      if (message.error) throw new Error(`${command}: ${message.error.desc}`);
      if (message.QMP) socket.write(`${JSON.stringify({ execute: 'qmp_capabilities' })}\n`);
      if (message.return === undefined) continue;
      answers += 1;
      if (answers === 2) return message.return;
      socket.write(`${JSON.stringify({ execute: command, ...(args && { arguments: args }) })}\n`);
    }
    throw new Error(`${command}: the machine closed its QMP socket`);
  } finally {
    socket.destroy();
  }
}
