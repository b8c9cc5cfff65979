import type { EntityMetadata, ObjectLiteral, SelectQueryBuilder } from 'typeorm';

/** How the rows of a table are read. */
interface Plan {
  /** SQL: the columns, each under the name of its property. */
  readonly columns: string;
  readonly transformed: EntityMetadata['columns'];
}

const plans = new WeakMap<EntityMetadata, Map<string, Plan>>();

function makePlan(metadata: EntityMetadata, alias: string, properties: readonly string[] | undefined): Plan {
  const columns = metadata.columns.filter(({ propertyName }) => properties?.includes(propertyName) ?? true);
  const named = columns.map(({ databaseName, propertyName }) => `"${alias}"."${databaseName}" AS "${propertyName}"`);
  return { columns: named.join(', '), transformed: columns.filter(({ transformer }) => transformer !== undefined) };
}

function planOf(metadata: EntityMetadata, alias: string, properties: readonly string[] | undefined): Plan {
  let known = plans.get(metadata);
  if (known === undefined) {
    known = new Map();
    plans.set(metadata, known);
  }
  const key = `${alias} ${properties?.join(' ') ?? '*'}`;
  let plan = known.get(key);
  if (plan === undefined) {
    plan = makePlan(metadata, alias, properties);
    known.set(key, plan);
  }
  return plan;
}

/**
 * What `query.getMany()` gives, as plain objects and with these properties only: for what is read hundreds of times a
 * second. TypeORM names every column twice and makes an entity of every row, which takes longer than the query itself.
 */
export async function plainRows<T extends ObjectLiteral>(query: SelectQueryBuilder<T>): Promise<T[]>;
export async function plainRows<T extends ObjectLiteral, P extends keyof T & string>(
  query: SelectQueryBuilder<T>,
  properties: readonly P[],
): Promise<Pick<T, P>[]>;
export async function plainRows<T extends ObjectLiteral>(
  query: SelectQueryBuilder<T>,
  properties?: readonly string[],
): Promise<ObjectLiteral[]> {
  const alias = query.expressionMap.mainAlias;
  if (alias === undefined) throw new TypeError('this query reads no table');
  const { columns, transformed } = planOf(alias.metadata, alias.name, properties);
  const rows = await query.select(columns).getRawMany<ObjectLiteral>();
  for (const row of rows) {
    for (const { propertyName, transformer } of transformed) {
      if (transformer !== undefined && !Array.isArray(transformer))
        row[propertyName] = transformer.from(row[propertyName]);
    }
  }
  return rows;
}

/** As {@link plainRows}: the first row; undefined when there is none. */
export async function plainRow<T extends ObjectLiteral>(query: SelectQueryBuilder<T>): Promise<T | undefined> {
  return (await plainRows(query))[0];
}
