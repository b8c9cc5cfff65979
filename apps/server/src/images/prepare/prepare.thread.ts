import { parentPort, workerData } from 'node:worker_threads';
import { toBtyError } from '@bty/wire-types/errors';
import { inBackground } from './in-background.js';
import { packImage } from './pack-image.js';
import type { PrepareOrder, PrepareReport } from './prepare-messages.js';

function report(message: PrepareReport): void {
  parentPort?.postMessage(message);
}

inBackground();
packImage(workerData as PrepareOrder, (progress) => report({ kind: 'progress', progress })).then(
  (prepared) => report({ kind: 'done', prepared }),
  (thrown: unknown) => {
    const { code, message, details } = toBtyError(thrown);
    report({ kind: 'failed', code, message, details });
  },
);
