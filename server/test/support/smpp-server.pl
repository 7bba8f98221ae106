#!/usr/bin/perl
# An SMPP 3.4 server of the independent implementation Net::SMPP (Debian: libnet-smpp-perl), for the tests.
# Usage: smpp-server.pl SYSTEM_ID PASSWORD. Serves one connection at a time; each line of its output is JSON: first
# the port, then what each submit_sm held. Every message gets a receipt; one to a number that ends with 99 fails.
use strict;
use warnings;
use Encode qw(decode);
use JSON::PP;
use Net::SMPP;

my ($system_id, $password) = @ARGV;
my $json = JSON::PP->new->ascii->canonical;
$| = 1;
my $said = sub { print $json->encode($_[0]), "\n" };

my $server = Net::SMPP->new_listen('127.0.0.1', port => 0, smpp_version => 0x34, async => 1)
    or die "cannot listen: $!";
$said->({ port => $server->sockport });

my $count = 0;
while (1) {
    my $client = $server->accept or next;
    serve($client);
    close $client;
}

sub serve {
    my ($client) = @_;
    while (my $pdu = $client->read_pdu) {
        my $command = Net::SMPP::pdu_tab->{ $pdu->{cmd} }{cmd} // 'unknown';
        my @same = (seq => $pdu->{seq});
        if ($command eq 'bind_transceiver') {
            my $known = $pdu->{system_id} eq $system_id && $pdu->{password} eq $password;
            $client->bind_transceiver_resp(system_id => 'perl', status => $known ? 0 : 0x0e, @same);
        }
        elsif ($command eq 'enquire_link') { $client->enquire_link_resp(@same) }
        elsif ($command eq 'submit_sm')    { submit($client, $pdu) }
        elsif ($command eq 'deliver_sm_resp') { $said->({ acknowledged => $pdu->{status} }) }
        elsif ($command eq 'unbind') {
            $client->unbind_resp(@same);
            $said->({ unbound => JSON::PP::true });
            return;
        }
    }
}

sub submit {
    my ($client, $pdu) = @_;
    my $octets = $pdu->{short_message};
    my $header = $pdu->{esm_class} & 0x40 ? substr($octets, 0, 1 + ord $octets) : '';
    my $text   = substr $octets, length $header;
    my $id     = sprintf 'perl_%03d', ++$count;
    $said->({
        submitted => {
            id       => $id,
            to       => $pdu->{destination_addr},
            to_ton   => $pdu->{dest_addr_ton},
            to_npi   => $pdu->{dest_addr_npi},
            from     => $pdu->{source_addr},
            from_ton => $pdu->{source_addr_ton},
            from_npi => $pdu->{source_addr_npi},
            coding   => $pdu->{data_coding},
            receipt  => $pdu->{registered_delivery},
            header   => unpack('H*', $header),
            text     => decode($pdu->{data_coding} == 8 ? 'UTF-16BE' : 'gsm0338', $text),
        }
    });
    $client->submit_sm_resp(message_id => $id, seq => $pdu->{seq});
    my $stat = $pdu->{destination_addr} =~ /99$/ ? 'UNDELIV' : 'DELIVRD';
    my $err  = $stat eq 'DELIVRD' ? '000' : '027';
    $client->deliver_sm(
        source_addr_ton  => 1,
        source_addr_npi  => 1,
        source_addr      => $pdu->{destination_addr},
        destination_addr => $pdu->{source_addr},
        esm_class        => 0x04,
        short_message    => "id:$id sub:001 dlvrd:001 submit date:2611221030 done date:2611221031 "
            . "stat:$stat err:$err text:",
    );
}
