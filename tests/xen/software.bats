#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Common software from Debian's packages, run by Docker.

load helpers
bats_require_minimum_version 1.5.0

setup_file() {
	fresh_bed
	docker_up
	"$bed" sh 'tar -C /srv/debian -c . | docker import - debian
		docker network create --subnet 10.20.0.0/24 lan'
	# The version in the path is the release's.
	postgres=/usr/lib/postgresql/$("$bed" run ls /srv/debian/usr/lib/postgresql)/bin
	export postgres
	init_data
}

setup() {
	conf
}

# The container init makes the database while the first tests run. Until it is gone, leftovers of these tests cannot be told
# from its own. So nothing_left comes only then.
teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || "$bed" sh 'docker ps -a; docker logs "$(docker ps -aq | head -n 1)"
		docker ps -a --format "{{.Names}}" | grep -vx init | xargs -r docker rm -f 2>/dev/null' || :
	"$bed" run docker inspect init >/dev/null 2>&1 || nothing_left
}

# init_data: makes a database on a volume, in the background. Under emulation this takes a minute or two. Without TZ initdb
# would read all 1800 files of zoneinfo. A log of 16 MiB of zeros would take as long.
init_data() {
	"$bed" sh 'docker volume create data
		docker run -d --name init -m 256m -v data:/var/lib/postgres -u postgres -e TZ=UTC debian sh -c "
			PATH=\$PATH:$1 && initdb --no-sync --no-locale -E UTF8 -A trust --wal-segsize=1 /var/lib/postgres/data &&
				echo host all all all trust >>/var/lib/postgres/data/pg_hba.conf"' "$postgres"
}

# debian OPTION… PROGRAM…: runs a container until its end. Under emulation some take minutes.
debian() {
	run --separate-stderr "$bed" run -t 400 docker run --rm "$@"
}

@test "software: bash for people" {
	run --separate-stderr "$bed" tty docker run --rm -it debian bash --norc \
		< <(printf '%s\n' 'PS1="$ "' 'sleep 100 &' 'jobs' 'kill %1' 'echo $((6 * 7)) $BASH_VERSION' 'exit 3')
	[ "$status" -eq 3 ]
	[[ $output == *'Running'*'sleep 100'* && $output == *'42 5.'* ]]
}

@test "software: python3 with threads, processes, a data base, and sockets and FIFOs in the root" {
	debian debian python3 -c '
import concurrent.futures, multiprocessing, os, socket, sqlite3, stat, tempfile, threading, zlib
with concurrent.futures.ThreadPoolExecutor(8) as threads:
    print(sum(threads.map(lambda n: zlib.crc32(bytes([n]) * 1000) % 97, range(64))))
with multiprocessing.Pool(4) as processes:
    print(processes.map(abs, [-1, 2, -3]))
with tempfile.NamedTemporaryFile() as f:
    with sqlite3.connect(f.name) as d:
        d.execute("create table t(n)")
        d.executemany("insert into t values(?)", ((n,) for n in range(1000)))
    print(*d.execute("select sum(n) from t").fetchone())
for i in range(2):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind("/run/s")
        os.chmod("/run/s", 0o775)
        os.chown("/run/s", 33, 33)
        s.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect("/run/s")
            client.send(b"hello")
            print(s.accept()[0].recv(9).decode(), stat.filemode(os.stat("/run/s").st_mode), os.stat("/run/s").st_uid)
    os.rename("/run/s", "/tmp/s")
    os.unlink("/tmp/s")
os.umask(0)
os.mkfifo("/run/f", 0o666)
os.chown("/run/f", 33, 33)
threading.Thread(target=lambda: open("/run/f", "w").write("through")).start()
print(open("/run/f").read(), stat.filemode(os.lstat("/run/f").st_mode))
with open("/tmp/sticky", "w") as f:
    os.chmod("/tmp/sticky", 0o1666)
print(stat.S_ISREG(os.stat("/tmp/sticky").st_mode))'
	[ "$status" -eq 0 ] || { echo "$stderr" && return 1; }
	[ "${output#*$'\n'}" = '[1, 2, 3]
499500
hello srwxrwxr-x 33
hello srwxrwxr-x 33
through prw-rw-rw-
True' ] || { echo "$output" && return 1; }
}

@test "software: nginx serves files at a published port, reloads, and ends well" {
	"$bed" sh 'mkdir -p /srv/web && head -c 10M /dev/urandom >/srv/web/file
		echo "daemon off; error_log stderr notice; events {} http { server { listen 80; root /srv; access_log off; } }" >/srv/web/conf'
	service web 'start worker process ' -p 8080:80 -v /srv/web:/srv:ro debian nginx -c /srv/conf
	dom0 sh -c 'for n in 1 2 3; do curl -sf http://127.0.0.1:8080/file | sha256sum; done | uniq -c; sha256sum </srv/web/file
		curl -s -o /dev/null -w "%{http_code}\n" http://127.0.0.1:8080/nothing'
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "      3 ${lines[1]}" ]
	[ "${lines[2]}" = 404 ]
	dom0 sh -c 'docker kill -s HUP web && curl -sf http://127.0.0.1:8080/file | cmp - /srv/web/file &&
		docker kill -s QUIT web && docker wait web && docker rm web'
	says 0 "$(printf '%s\n' web web 0 web)" ''
}

@test "software: redis under redis-benchmark keeps what it got on a volume of 9p; one on a disk is a copy" {
	service store 'Ready to accept' --network lan -v /srv/redis:/data debian redis-server --protected-mode no --dir /data --save 3600 1
	debian --network lan debian sh -c 'redis-benchmark -h store -n 500 -c 20 -t set,get,lpush -q --csv && redis-cli -h store set word kept'
	[ "$status" -eq 0 ] || { echo "$stderr" && return 1; }
	[ "$(grep -cE '"(SET|GET|LPUSH)","[0-9.]+"' <<<"$output")" -eq 3 ]
	[ "${lines[-1]}" = OK ]
	dom0 sh -c 'docker stop -t 60 store && docker wait store'
	says 0 "$(printf '%s\n' store 0)" ''
	dom0 docker start store
	said store 'Ready to accept' 2
	dom0 docker exec store redis-cli get word
	says 0 kept ''
	dom0 docker rm -f store
}

@test "software: sshd, which goes to the background, and its clients; a program that ignores TERM is killed" {
	"$bed" sh 'rm -rf /srv/keys && mkdir -m 700 -p /srv/keys && cd /srv/keys && ssh-keygen -q -t ed25519 -N "" -f host && ssh-keygen -q -t ed25519 -N "" -f user'
	service ssh 'ready' -p 2222:22 -v /srv/keys:/keys:ro debian sh -c '
		mkdir -m 700 -p /root/.ssh && cp /keys/user.pub /root/.ssh/authorized_keys &&
			/usr/sbin/sshd -f /dev/null -h /keys/host -o UsePAM=no && trap "" TERM && echo ready && exec sleep 1000'
	dom0 sh -c 'client() { ssh -i /srv/keys/user -p 2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "$@"; }
		client 127.0.0.1 "cat; exit 9" </etc/passwd >/tmp/passwd; echo $?; cmp /tmp/passwd /etc/passwd
		client -tt 127.0.0.1 "tty; exit 8" </dev/null; echo $?'
	[[ $(tr -d '\r' <<<"$output") == $'9\n/dev/pts/0\n8' ]] || { echo "$output" "$stderr" && return 1; }
	dom0 sh -c 'docker stop -t 1 ssh && docker wait ssh && docker rm ssh'
	says 0 "$(printf '%s\n' ssh 137 ssh)" ''
}

data_base() {
	service db 'is ready to accept connections' -m 256m --network lan --stop-signal INT -v data:/var/lib/postgres -u postgres debian \
		"$postgres/postgres" -D /var/lib/postgres/data -c listen_addresses='*'
}

end_data_base() {
	dom0 sh -c 'docker stop -t 100 db && docker wait db && docker rm db'
	says 0 "$(printf '%s\n' db 0 db)" ''
}

@test "software: PostgreSQL keeps its data on a volume, and a web server has it by its name" {
	run --separate-stderr "$bed" run -t 400 docker wait init
	says 0 0 '' || { "$bed" run docker logs init && return 1; }
	"$bed" run docker rm init
	data_base
	dom0 docker exec -u postgres db "$postgres/psql" -qc 'create table t as select generate_series(1, 1000) n'
	says 0 '' ''
	end_data_base
	data_base
	service front ready --network lan -p 8080:80 debian python3 -uc '
import http.server, subprocess
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(subprocess.check_output(["'"$postgres"'/psql", "-h", "db", "-U", "postgres", "-Atc", "select sum(n) from t"]))
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("", 80), Handler)
print("ready")
server.serve_forever()'
	dom0 curl -sf http://127.0.0.1:8080/
	says 0 500500 ''
	dom0 docker rm -f front
	end_data_base
	"$bed" sh 'docker volume rm data >/dev/null'
}

@test "software: a program that takes all memory is killed, and the next one runs; one that crashes says so" {
	debian -m 96m debian sh -c '
		perl -e "push @kept, ++\$n x (1 << 20) while 1"; echo $?
		perl -e "print length \"x\" x (16 << 20)"; echo
		exec perl -e "print unpack \"p\", pack \"J\", 1"'
	says 139 "$(printf '%s\n' 137 16777216)" "$stderr"
}

@test "software: a program that fills its disk is told so, and the host has room" {
	conf 'rootfs = disk' 'disk_headroom = 16'
	debian busybox sh -c 'dd if=/dev/zero of=/big bs=1M; rm /big && echo there is room && dd if=/dev/zero of=/small bs=1M count=4 2>/dev/null && stat -c %s /small'
	says 0 "$(printf '%s\n' 'there is room' 4194304)" "$stderr"
	[[ $stderr == *'No space left on device'* ]]
}
