import { describe, expect, it } from 'vitest';
import { workflowFailure } from './workflow-failure.js';

const STATE = `steps:
- name: first
  status: {failed: 0, passed: 1}
- name: second
  status: {failed: 1, passed: 0}
- name: third
  status: {failed: 1, passed: 0}
`;

function report(text: string) {
  return [{ path: 'task.state', content: Buffer.from(text), executable: false }];
}

describe('workflowFailure', () => {
  it('names the steps that failed', () => {
    expect(workflowFailure(1, report(STATE))).toEqual({
      code: 'WORKFLOW_FAILED',
      message: 'failed: second, third',
      details: { exit_code: 1, failed_steps: ['second', 'third'] },
    });
  });

  it.each([
    ['there is no state', []],
    ['the state is no YAML', report('{')],
    ['the state has no steps', report('steps: 3')],
  ])('says how cijoe ended when %s', (_name, files) => {
    expect(workflowFailure(22, files).message).toBe('cijoe ended with 22');
  });

  it('says that cijoe was killed', () => {
    expect(workflowFailure(undefined, []).message).toBe('cijoe was killed');
  });
});
