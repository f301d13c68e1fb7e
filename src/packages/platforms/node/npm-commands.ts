import type { HostCommand } from '../platform.ts';

/** npm, without what it says of itself. */
const OPTIONS = ['--no-audit', '--no-fund', '--no-update-notifier'] as const;

export interface NpmParts {
  readonly node: string;
  /** The JavaScript file of npm. */
  readonly npm: string;
  /** Settings of npm, as variables. */
  readonly env: Readonly<Record<string, string>>;
  readonly hasLock: boolean;
}

/** Installs the dependencies. @param which `run`: those that chaincode runs with; `all`: those of development, too */
export const installCommand = (which: 'run' | 'all', { node, npm, env, hasLock }: NpmParts): HostCommand => ({
  file: node,
  args: [npm, ...installArguments(which, hasLock)],
  env,
});

/** Runs the `build` script, with the scripts around it. */
export const buildCommand = ({ node, npm, env }: NpmParts): HostCommand => ({ file: node, args: [npm, ...BUILD], env });

/** Installs all, builds, takes away again what is for development, and ends as the build did. */
export function installAndBuildCommand({ node, npm, env, hasLock }: NpmParts): HostCommand {
  const [install, build, prune] = [installArguments('all', hasLock), BUILD, ['prune', '--omit=dev', ...OPTIONS]].map(
    (step) => `"$0" "$1" ${step.join(' ')}`,
  );
  return { file: '/bin/sh', args: ['-c', `${install} || exit; ${build}; built=$?; ${prune} && exit $built`, node, npm], env };
}

const BUILD = ['run', 'build', '--no-update-notifier'] as const;

const installArguments = (which: 'run' | 'all', hasLock: boolean): readonly string[] => [
  hasLock ? 'ci' : 'install',
  which === 'run' ? '--omit=dev' : '--include=dev',
  ...OPTIONS,
];

/** The same by whichever npm an image has, as one line for a shell. */
export const CONTAINER_BUILD = 'npm install --include=dev && npm run build && npm prune --omit=dev';
