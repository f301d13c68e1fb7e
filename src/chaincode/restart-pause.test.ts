import { describe, expect, it } from 'vitest';
import { RestartPause } from './restart-pause.ts';

function pause() {
  let now = 0;
  const limits = { free: 2, firstMs: 100, mostMs: 300, stableMs: 1000 };
  const later = (ms: number) => {
    now += ms;
  };
  return { pause: new RestartPause(limits, { now: () => new Date(now) }), later };
}

describe('the pause before a restart', () => {
  it('comes after the free failures, doubles, and has a limit', () => {
    const { pause: subject } = pause();
    const remaining = Array.from({ length: 6 }, () => {
      subject.failed();
      return subject.remaining;
    });
    expect(remaining).toEqual([0, 0, 100, 200, 300, 300]);
  });

  it('passes', () => {
    const { pause: subject, later } = pause();
    for (let at = 0; at < 3; at += 1) subject.failed();
    later(60);
    expect(subject.remaining).toBe(40);
    later(60);
    expect(subject.remaining).toBe(0);
  });

  it('is forgotten when the chaincode ran for long', () => {
    const { pause: subject, later } = pause();
    for (let at = 0; at < 5; at += 1) subject.failed();
    subject.started();
    later(1000);
    subject.ended();
    expect(subject.remaining).toBe(0);
  });

  it('is not forgotten when it started and crashed at once', () => {
    const { pause: subject, later } = pause();
    for (let at = 0; at < 3; at += 1) {
      subject.started();
      later(999);
      subject.ended();
    }
    expect(subject.remaining).toBe(100);
  });
});
