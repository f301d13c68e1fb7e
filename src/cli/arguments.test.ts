import { describe, expect, it } from 'vitest';
import { normaliseArguments } from './arguments.ts';

describe('arguments', () => {
  it('may say true or false, as Go has it', () => {
    expect(normaliseArguments(['--tls=true', '--tls=false', '--waitForEvent=1', '--isInit=F'])).toEqual(['--tls', '--waitForEvent']);
  });

  it('turn off what is on by default', () => {
    expect(normaliseArguments(['--waitForEvent=false', '--init-required=false'])).toEqual(['--no-waitForEvent']);
  });

  it('keep values of flags that take one', () => {
    const argv = ['--cafile=true', '-c', '{"Args":["--tls=true"]}', '--name=false', '--tls=maybe'];
    expect(normaliseArguments(argv)).toEqual(argv);
  });

  it('are left alone after --', () => {
    expect(normaliseArguments(['--tls=true', '--', '--tls=true'])).toEqual(['--tls', '--', '--tls=true']);
  });
});
