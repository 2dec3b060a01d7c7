import { expect, test } from 'vitest';
import { parseMemberStatus } from './etcd-status.ts';

const answer = {
  header: { cluster_id: '14580982649982716771', member_id: '16478873577246154973', raft_term: '2' },
  version: '3.4.23',
  dbSize: '20480',
  leader: '12420923105993941757',
  raftIndex: '15',
  raftTerm: '2',
};

test('what a member says of itself, with numbers beyond what a double holds', () => {
  expect(parseMemberStatus(JSON.stringify(answer), 'h1', 1.2345)).toEqual({
    name: 'h1',
    leader: false,
    term: 2,
    version: '3.4.23',
    databaseBytes: 20_480,
    latencyMilliseconds: 1.23,
  });
  // As doubles the two would be equal.
  const near = { ...answer, leader: '16478873577246154974' };
  expect(parseMemberStatus(JSON.stringify(near), 'h1', 1).leader).toBe(false);
  const own = { ...answer, leader: answer.header.member_id };
  expect(parseMemberStatus(JSON.stringify(own), 'h1', 1).leader).toBe(true);
});

test('without a leader nobody leads', () => {
  const { leader: _, ...rest } = answer;
  expect(parseMemberStatus(JSON.stringify(rest), 'h1', 1).leader).toBe(false);
});

test.each(['', 'null', '{}', '{"header":{"member_id":1}}', JSON.stringify({ ...answer, raftTerm: -1 })])(
  '%j is no answer',
  (text) => {
    expect(() => parseMemberStatus(text, 'h1', 1)).toThrow();
  },
);
