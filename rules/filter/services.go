package filter

// services are the names that may stand for port numbers in literals: the
// well-known assignments that rules and people use. The table is fixed so that
// a filter means the same on every machine.
var services = map[string]uint16{
	"echo": 7, "discard": 9, "daytime": 13, "chargen": 19, "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23,
	"smtp": 25, "time": 37, "whois": 43, "tacacs": 49, "domain": 53, "bootps": 67, "bootpc": 68, "tftp": 69,
	"gopher": 70, "finger": 79, "http": 80, "kerberos": 88, "pop3": 110, "sunrpc": 111, "auth": 113, "nntp": 119,
	"ntp": 123, "epmap": 135, "netbios-ns": 137, "netbios-dgm": 138, "netbios-ssn": 139, "imap2": 143, "imap": 143,
	"snmp": 161, "snmp-trap": 162, "snmptrap": 162, "xdmcp": 177, "bgp": 179, "irc": 194, "ldap": 389, "https": 443,
	"microsoft-ds": 445, "kpasswd": 464, "submissions": 465, "isakmp": 500, "exec": 512, "login": 513, "who": 513,
	"shell": 514, "syslog": 514, "printer": 515, "route": 520, "rtsp": 554, "nntps": 563, "submission": 587,
	"nqs": 607, "ipp": 631, "ldaps": 636, "kerberos-adm": 749, "domain-s": 853, "rsync": 873, "ftps-data": 989,
	"ftps": 990, "telnets": 992, "imaps": 993, "pop3s": 995, "socks": 1080, "openvpn": 1194, "ms-sql-s": 1433,
	"ms-sql-m": 1434, "l2f": 1701, "radius": 1812, "radius-acct": 1813, "mqtt": 1883, "nfs": 2049, "cvspserver": 2401,
	"mysql": 3306, "ms-wbt-server": 3389, "iscsi-target": 3260, "svn": 3690, "epmd": 4369, "ipsec-nat-t": 4500,
	"sip": 5060, "sip-tls": 5061, "xmpp-client": 5222, "xmpp-server": 5269, "mdns": 5353, "postgresql": 5432,
	"amqps": 5671, "amqp": 5672, "x11": 6000, "redis": 6379, "ircd": 6667, "ircs-u": 6697, "http-alt": 8080,
	"mqtt-tls": 8883, "git": 9418, "zabbix-agent": 10050, "zabbix-trapper": 10051, "webmin": 10000,
}
