/** What an import will do: which resources of which record go where. */

import { get, post, put, segment } from '../../api/client';
import type { Connector, Converted, Resource } from '../../api/types';
import { freeName } from '../../connector/record';
import { texts } from '../../texts';

export interface Group {
  record: Partial<Connector>;
  name: string;
  /** The uuid of a connector that is there; empty for a new one. */
  into: string;
  /** Names of the resources that are taken. */
  chosen: Set<string>;
}

export interface Plan {
  kind: string;
  groups: Group[];
}

export function planOf(read: Converted): Plan {
  return {
    kind: read.kind,
    groups: read.records.map((record) => ({
      record,
      name: record.name ?? '',
      into: '',
      chosen: new Set(Object.keys(record.endpoints ?? {})),
    })),
  };
}

export const countOf = (plan: Plan): number => plan.groups.reduce((sum, group) => sum + group.chosen.size, 0);

/** The resources of a group under names that the other connector does not have. */
export function renamed(group: Group, taken: string[]): { from: string; to: string; resource: Resource }[] {
  const names = [...taken];
  return Object.entries(group.record.endpoints ?? {})
    .filter(([name]) => group.chosen.has(name))
    .map(([from, resource]) => {
      const to = freeName(from, names);
      names.push(to);
      return { from, to, resource: { ...resource, purpose: to } };
    });
}

/** Imports the new ones all or nothing, then adds to those that are there. */
export async function carryOut(plan: Plan): Promise<{ uuids: string[]; resources: number }> {
  const fresh = plan.groups.filter(
    (group) => group.into === '' && (group.chosen.size > 0 || Object.keys(group.record.endpoints ?? {}).length === 0),
  );
  const uuids: string[] = [];
  if (fresh.length > 0) {
    const records = fresh.map((group) => ({
      ...group.record,
      name: group.name.trim(),
      endpoints: Object.fromEntries(Object.entries(group.record.endpoints ?? {}).filter(([name]) => group.chosen.has(name))),
    }));
    const { data } = await post<{ data: { uuid: string }[] }>('/data_sources/import', records, {
      query: { existing: 'refuse', incomplete: plan.kind === 'records' ? 1 : null },
    });
    uuids.push(...data.data.map((one) => one.uuid));
  }
  for (const group of plan.groups.filter((one) => one.into !== '' && one.chosen.size > 0)) {
    const { data: there, etag } = await get<Connector>(`/data_sources/${segment(group.into)}`);
    const added = renamed(group, Object.keys(there.endpoints));
    const endpoints = { ...there.endpoints, ...Object.fromEntries(added.map((one) => [one.to, one.resource])) };
    await put(`/data_sources/${segment(group.into)}`, { endpoints }, { ifMatch: etag });
    uuids.push(group.into);
  }
  return { uuids, resources: countOf(plan) };
}

/** What else changes, and what is not taken, when a group goes into a connector that is there. */
export function consequences(
  group: Group,
  there: Connector | undefined,
): { changed: string[]; leftOut: { what: string; why: string }[] } {
  if (!there) return { changed: [], leftOut: [] };
  const taken = there.resources?.map((one) => one.name) ?? Object.keys(there.endpoints ?? {});
  return {
    changed: renamed(group, taken)
      .filter((one) => one.from !== one.to)
      .map((one) => texts.import.renamed(one.from, one.to)),
    leftOut: group.record.credentials ? [{ what: texts.import.notTaken, why: texts.import.notTakenWhy }] : [],
  };
}
