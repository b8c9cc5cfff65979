import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { ImageMap } from '@bty/image-format';
import { DeviceAccess } from '../engine/device-access.js';
import { DigestTable } from '../engine/digest-table.js';
import { type Restoring, SegmentRunner } from '../engine/segment-runner.js';
import { RangedSource } from '../source/ranged-source.js';
import { errorOf, type FromWorker, failureOf, type ToWorker, type WorkerSetup } from './worker-messages.js';

/** Entry of a worker thread: carries out the segments that the main thread sends. */
function serve(port: MessagePort, { device, table, pack, threads }: WorkerSetup): void {
  const say = (message: FromWorker): void => port.postMessage(message);
  const abort = new AbortController();
  const granted = Promise.withResolvers<void>();
  let asked = false;
  let authorization: string | undefined;
  const mayWrite = (): Promise<void> => {
    if (!asked) say({ type: 'wantsToWrite' });
    asked = true;
    return granted.promise;
  };
  const onRetry = (reason: string): void => say({ type: 'retry', reason });
  let runner: SegmentRunner;
  let frames: RangedSource | undefined;
  const access = new DeviceAccess(device);
  if (table.kind === 'digests') runner = new SegmentRunner(access, new DigestTable(table.facts), undefined, threads);
  else {
    const map = ImageMap.parse(Buffer.from(table.bytes.buffer, table.bytes.byteOffset, table.bytes.length));
    let restoring: Restoring | undefined;
    if (pack !== undefined) {
      frames = new RangedSource(pack, { authorization: () => authorization, onRetry });
      restoring = { table: map, frames, mayWrite, onRetry };
    }
    runner = new SegmentRunner(access, map, restoring, threads);
  }
  const carryOut = (message: Extract<ToWorker, { type: 'task' }>): void => {
    const { id, task } = message;
    authorization = message.authorization;
    runner.run(task, abort.signal).then(
      (done) => say({ type: 'done', id, done }),
      (error: unknown) => say({ type: 'failed', id, failure: failureOf(error) }),
    );
  };
  port.on('message', (message: ToWorker) => {
    if (message.type === 'task') carryOut(message);
    else if (message.type === 'mayWrite') granted.resolve();
    else if (message.type === 'end') {
      frames?.close();
      port.close();
    } else {
      const reason = errorOf(message.failure);
      abort.abort(reason);
      granted.reject(reason);
    }
  });
  // An abort while nobody waits for the grant is nobody's failure.
  granted.promise.catch(() => undefined);
}

if (parentPort !== null) serve(parentPort, workerData as WorkerSetup);
