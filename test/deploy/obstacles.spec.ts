import { describe, expect, it } from 'vitest';
import { lastWords, obstacle } from './obstacles.ts';

const ALL = ['dockerd', 'docker', 'docker compose', 'docker-compose'];

function host(uid: number, programs: readonly string[]): Parameters<typeof obstacle>[0] {
  return { uid, runs: (...words) => programs.includes(words.slice(0, -1).join(' ')) };
}

describe('a host on which the containers are to be tested', () => {
  it.each([
    ['a user', 1000, ALL, 'an engine and networks of its own need root'],
    ['no engine', 0, ['docker', 'docker compose'], 'there is no dockerd'],
    ['no client', 0, ['dockerd', 'docker-compose'], 'there is no docker'],
    ['no Compose', 0, ['dockerd', 'docker'], 'there is no Compose'],
    ['Compose v2 alone', 0, ['dockerd', 'docker', 'docker compose'], undefined],
    ['Compose 1.29 alone', 0, ['dockerd', 'docker', 'docker-compose'], undefined],
  ])('with %s', (_, uid, programs, why) => {
    expect(obstacle(host(uid, programs))).toBe(why);
  });
});

describe('an engine that ended', () => {
  it.each([
    ['', 'it says nothing'],
    ['flock: failed to execute dockerd: Permission denied\n', 'flock: failed to execute dockerd: Permission denied'],
    [
      'time="2026-11-26T15:20:00Z" level=info msg="Starting up"\nfailed to start daemon: Devices cgroup isn\'t mounted\n',
      "failed to start daemon: Devices cgroup isn't mounted",
    ],
    ['time="2026-11-26T15:20:00Z" level=fatal msg="no \\"overlay2\\" here" driver=x\n', 'no "overlay2" here'],
  ])('is quoted: %j', (log, words) => {
    expect(lastWords(log)).toBe(words);
  });
});
