import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { shadowFile, systemMounts } from './machine.ts';

/* Recorded from /proc/self/mountinfo (proc(5)) of a machine with several disks, Docker, snaps and a network drive. */
const mountinfo = `25 30 0:23 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
26 30 0:24 / /proc rw,nosuid,nodev,noexec,relatime shared:13 - proc proc rw
27 30 0:5 / /dev rw,nosuid,relatime shared:2 - devtmpfs udev rw,size=8113504k
29 30 0:25 / /run rw,nosuid,nodev,noexec,relatime shared:5 - tmpfs tmpfs rw
30 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro
40 30 259:3 / /usr rw,relatime shared:30 - xfs /dev/nvme0n1p3 rw
41 30 259:4 / /var rw,relatime shared:31 - ext4 /dev/nvme0n1p4 rw
42 41 259:5 / /var/log rw,relatime shared:32 - ext4 /dev/nvme0n1p5 rw
43 41 259:6 / /var/lib/docker rw,relatime shared:33 - ext4 /dev/nvme0n1p6 rw
44 41 0:60 / /var/lib/docker/overlay2/x/merged rw,relatime shared:34 - overlay overlay rw
45 30 259:7 / /home rw,relatime shared:35 - ext4 /dev/nvme0n1p7 rw
46 30 259:8 / /boot rw,relatime shared:36 - ext4 /dev/nvme0n1p8 rw
47 30 7:1 / /snap/core/1 ro,nodev,relatime shared:37 - squashfs /dev/loop1 ro
48 30 0:70 / /opt/share rw,relatime shared:38 - nfs4 server:/share rw
49 30 259:9 /@opt /opt/tools rw,relatime shared:39 - btrfs /dev/nvme0n1p9 rw,subvol=/@opt
50 30 259:10 / /usr/with\\040space rw,relatime shared:40 - ext4 /dev/sdb1 rw
51 41 259:11 / /var/lib/etcd rw,relatime shared:41 - ext4 /dev/sdb2 rw
52 30 259:2 /x /etc/hosts rw,relatime shared:42 - ext4 /dev/nvme0n1p2 rw
53 30 259:12 / /variety rw,relatime - ext4 /dev/sdb3 rw
54 40 259:13 / /usr/local rw,relatime master:1 propagate_from:2 - ext4 /dev/sdb4 rw

`;

test('file systems of the system are found, and nothing else', () => {
  expect(systemMounts(mountinfo, () => false)).toEqual(['/usr', '/var', '/opt/tools', '/usr/local']);
});

test('a single file is shown whatever it lies on, but for what a host has of its own', () => {
  const files = `60 30 0:50 /dockerd /usr/sbin/dockerd rw - tmpfs tmpfs rw
61 30 0:50 /resolv.conf /etc/resolv.conf rw - tmpfs tmpfs rw
62 30 0:50 /hostname /etc/hostname rw - tmpfs tmpfs rw`;
  expect(systemMounts(files, () => true)).toEqual(['/usr/sbin/dockerd', '/etc/resolv.conf']);
  expect(systemMounts(files, () => false)).toEqual([]);
});

test('this machine’s own can be read', () => {
  for (const path of systemMounts(readFileSync('/proc/self/mountinfo', 'utf8'), () => false))
    expect(path).toMatch(/^\/[^\\:]+$/);
  expect(systemMounts('', () => false)).toEqual([]);
});

test('nobody has a password on a host, and nobody is locked out', () => {
  const passwd = 'root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n\n';
  expect(shadowFile(passwd)).toBe('root:*:::::::\ndaemon:*:::::::\n');
});
