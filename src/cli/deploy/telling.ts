/** What `selvage deploy` says: a line for each thing that is done, or with --dry-run would be. */
import type { Terminal } from '../terminal.ts';
import type { Agreement } from './agreement.ts';
import type { RequestedDeployment } from './requested-deployment.ts';
import type { DeploymentPlan } from './survey.ts';

type Out = Pick<Terminal, 'out'>;

const step = ({ out }: Out, name: string, text: string): void => out(`  ${name.padEnd(10)} ${text}`);

export function tellPackage({ wanted, packageBytes, collectionsFile }: RequestedDeployment, terminal: Out): void {
  step(terminal, 'package', `${wanted.packageId}, ${(packageBytes.length / 1024).toFixed(1)} KiB`);
  if (collectionsFile !== undefined) {
    const names = wanted.collections?.config?.map(({ staticCollectionConfig }) => staticCollectionConfig?.name ?? '') ?? [];
    step(terminal, 'private', `${names.join(', ') || 'no collections'}, from ${collectionsFile}`);
  }
}

/** The definition, and why it is another one than before. */
export function tellDefinition({ definition, inForce, reasons }: DeploymentPlan, terminal: Out): void {
  const { version, sequence } = definition;
  const why = inForce ? 'in force already' : reasons.join('; ');
  step(terminal, 'definition', `sequence ${sequence}, version ${version}: ${why}`);
}

export function tellInstall({ lacking }: DeploymentPlan, terminal: Out): void {
  if (lacking.length > 0) step(terminal, 'install', `on ${lacking.map(({ peer }) => peer.address).join(', ')}`);
}

export function tellApprove({ approving, definition }: DeploymentPlan, terminal: Out): void {
  if (approving.length > 0)
    step(terminal, 'approve', `sequence ${definition.sequence} for ${approving.map(({ mspId }) => mspId).join(', ')}`);
}

export const tellCommit = ({ approved }: Agreement, terminal: Out): void => step(terminal, 'commit', `approved by ${approved.join(', ')}`);

export const tellInit = (args: readonly string[], terminal: Out): void =>
  step(terminal, 'Init', args.map((arg) => JSON.stringify(arg)).join(' '));

/** What is missing, and what others can do about it; their command line has to say the same. */
export function tellOthers(
  { definition }: DeploymentPlan,
  { approved, others, needed }: Agreement,
  { wanted }: RequestedDeployment,
  { out }: Out,
): void {
  const { name, channelId, sequence, version } = definition;
  const enough = needed === undefined ? '' : `, of ${needed} that are needed`;
  out(`${name} waits for others: sequence ${sequence}, version ${version} is approved by ${approved.join(', ') || 'nobody'}${enough}.`);
  for (const { mspId, differs } of others)
    out(`  ${mspId} has not approved it${differs.length > 0 ? `: its own approval differs in ${differs.join(', ')}` : ''}`);
  if (needed !== undefined && approved.length >= needed) {
    out('Enough have approved, but of some no peer can be found: name a connection profile that has them with --org.');
  } else {
    out('Each of them deploys the same package with its own keys; whoever is last commits it:');
    out(`  selvage deploy FOLDER -C ${channelId} -n ${name}   which must pack ${wanted.packageId}`);
  }
}

export function tellResult({ definition, inForce }: DeploymentPlan, didSomething: boolean, { out }: Out): void {
  const { name, channelId, version, sequence } = definition;
  const what = `${name} is on ${channelId}: version ${version}, sequence ${sequence}`;
  out(inForce && !didSomething ? `${what}. Nothing had to be done.` : `${what}.`);
}

/** After --dry-run. */
export function tellDry({ inForce, lacking, approving }: DeploymentPlan, { out }: Out): void {
  const nothing = inForce && lacking.length === 0 && approving.length === 0;
  out(
    nothing
      ? 'Nothing would have to be done.'
      : 'This would be done, and then the definition be committed if enough organizations have approved it.',
  );
}
