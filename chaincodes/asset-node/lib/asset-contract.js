const { Contract } = require('fabric-contract-api');

/**
 * Assets, each with an owner and a value. An asset is stored under its id as JSON whose fields come in a fixed order, so that
 * every peer writes the same bytes.
 */
class AssetContract extends Contract {
  constructor() {
    super('AssetContract');
  }

  /** Makes an asset and announces it with the event `AssetCreated`. Fails when the id is taken. */
  async CreateAsset(ctx, id, owner, value) {
    if (await this.AssetExists(ctx, id)) throw new Error(`the asset ${id} already exists`);
    const asset = assetOf(id, owner, value);
    await put(ctx, asset);
    ctx.stub.setEvent('AssetCreated', Buffer.from(JSON.stringify(asset)));
    return asset;
  }

  async ReadAsset(ctx, id) {
    const bytes = await ctx.stub.getState(id);
    if (bytes.length === 0) throw new Error(`the asset ${id} does not exist`);
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  }

  async AssetExists(ctx, id) {
    return (await ctx.stub.getState(id)).length > 0;
  }

  /** Sets the value; the owner stays. */
  async UpdateAsset(ctx, id, value) {
    const { owner } = await this.ReadAsset(ctx, id);
    return put(ctx, assetOf(id, owner, value));
  }

  /** Answers with the owner before. */
  async TransferAsset(ctx, id, newOwner) {
    const { owner, value } = await this.ReadAsset(ctx, id);
    await put(ctx, assetOf(id, newOwner, value));
    return owner;
  }

  async DeleteAsset(ctx, id) {
    await this.ReadAsset(ctx, id);
    await ctx.stub.deleteState(id);
  }

  /** All assets with startId <= id < endId; an empty id leaves that side open. */
  async ListAssets(ctx, startId, endId) {
    const assets = [];
    for await (const { value } of ctx.stub.getStateByRange(startId, endId)) {
      assets.push(JSON.parse(Buffer.from(value).toString('utf8')));
    }
    return assets;
  }

  /** What an asset was, with the transactions that made it so. */
  async AssetHistory(ctx, id) {
    const history = [];
    for await (const { txId, isDelete, value } of ctx.stub.getHistoryForKey(id)) {
      history.push({ txId, isDelete, asset: isDelete ? null : JSON.parse(Buffer.from(value).toString('utf8')) });
    }
    return history;
  }
}

function assetOf(id, owner, value) {
  if (id === '') throw new Error('an asset needs an id');
  if (owner === '') throw new Error('an asset needs an owner');
  const number = Number(value);
  if (value === '' || !Number.isFinite(number)) throw new Error(`the value ${value} is not a number`);
  return { id, owner, value: number };
}

async function put(ctx, asset) {
  await ctx.stub.putState(asset.id, Buffer.from(JSON.stringify(asset)));
  return asset;
}

module.exports = { AssetContract };
