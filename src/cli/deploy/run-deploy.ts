import type { Terminal } from '../terminal.ts';
import { type Agreement, agreementOn, isEnough, withDifferences } from './agreement.ts';
import { approveWhereMissing, commitDefinition, type Deploying, initialize, installWhereMissing, isInitialized } from './carry-out.ts';
import type { DeployFlags } from './deploy-flags.ts';
import { Organizations } from './organizations.ts';
import { requestedDeployment } from './requested-deployment.ts';
import { callerOf, survey } from './survey.ts';
import { tellApprove, tellCommit, tellDefinition, tellDry, tellInit, tellInstall, tellOthers, tellPackage, tellResult } from './telling.ts';

/**
 * Puts a chaincode on a channel: packs it, looks at what is there, installs and approves what is missing, and commits the definition as
 * soon as enough organisations agree. Each step is left out that was done before, so that a run that was broken off can be run again.
 *
 * @throws {SelvageError} `SETTING_INVALID` before anything is sent; `REFUSED_BY_PEER` with the peer's or the orderer's reason
 */
export async function runDeploy(path: string, flags: DeployFlags, terminal: Terminal): Promise<void> {
  const request = await requestedDeployment(path, flags, terminal);
  tellPackage(request, terminal);
  using organizations = await Organizations.connect(flags.org ?? [], terminal);
  const plan = await survey(request.wanted, organizations, terminal);
  tellDefinition(plan, terminal);
  if (flags.dryRun) {
    tellDryRun(plan, terminal);
    return;
  }
  const { first } = organizations;
  const orderer = await first.connections.channelBroadcaster(flags, request.wanted.channelId, callerOf(first));
  const deploying = { request, plan, organizations, orderer, waitMs: flags.waitForEventTimeout, terminal };
  await prepare(deploying);
  const agreement = plan.inForce ? undefined : await agreementOn(plan.definition, organizations, flags.wait, terminal);
  if (agreement !== undefined && !isEnough(agreement))
    tellOthers(plan, await withDifferences(agreement, plan, organizations, terminal), request, terminal);
  else await putInForce(deploying, agreement);
}

function tellDryRun(plan: Deploying['plan'], terminal: Terminal): void {
  tellInstall(plan, terminal);
  tellApprove(plan, terminal);
  tellDry(plan, terminal);
}

async function prepare(deploying: Deploying): Promise<void> {
  const { plan, terminal } = deploying;
  tellInstall(plan, terminal);
  await installWhereMissing(deploying);
  tellApprove(plan, terminal);
  await approveWhereMissing(deploying);
}

/** @param agreement on what is to be committed; undefined for what is in force already */
async function putInForce(deploying: Deploying, agreement: Agreement | undefined): Promise<void> {
  const { plan, request, terminal } = deploying;
  if (agreement !== undefined) {
    tellCommit(agreement, terminal);
    await commitDefinition(deploying, agreement.endorsers);
  }
  const uninitialized = request.init !== undefined && (agreement !== undefined || !(await isInitialized(deploying)));
  if (uninitialized && request.init !== undefined) {
    tellInit(request.init, terminal);
    await initialize(deploying, request.init);
  }
  const didSomething = plan.lacking.length > 0 || plan.approving.length > 0 || uninitialized;
  tellResult(plan, didSomething, terminal);
}
