import type { FlashResult } from '@bty/wire-types';
import type { EngineReport } from './engine.js';

/** What a flash did, as server and command line tell it: all of a result but the disk. */
export function flashAccount(
  report: EngineReport,
  durationMs: number,
  peakRssBytes: number,
): Omit<FlashResult, 'target'> {
  return {
    bytes_fetched: report.fetchedBytes,
    bytes_written: report.writtenBytes,
    bytes_skipped: report.skippedBytes,
    bytes_zeroed: report.zeroedBytes,
    bytes_verified: report.verifiedBytes,
    verify: report.verify,
    strategy: report.strategy,
    strategy_reason: report.strategyReason,
    bottleneck: report.bottleneck,
    duration_ms: Math.round(durationMs),
    stage_ms: report.stageMs,
    gpt_relocated: report.plan.gpt === 'relocated',
    peak_rss_bytes: peakRssBytes,
  };
}
