#![allow(clippy::all, clippy::pedantic, clippy::print_stdout, missing_docs)]
use kafka::*; use record::KafkaRecord; use stage::Sink; use std::time::*; use bytes::Bytes;
fn rec(n:u64,len:usize)->KafkaRecord{ let v:Vec<u8>=(0..len).map(|_|fastrand::alphanumeric() as u8).collect(); KafkaRecord{topic:"t".into(),key:Some(format!("lock-{}",n%500).into()),value:v.into(),origin_node:"e".into(),origin_sequence:n,timestamp_ms:1,..Default::default()}}
fn rss()->u64{ let s=std::fs::read_to_string("/proc/self/statm").unwrap(); s.split(' ').nth(1).unwrap().parse::<u64>().unwrap()*4 }
fn cpu()->u64{ let s=std::fs::read_to_string("/proc/self/stat").unwrap(); let f:Vec<&str>=s.rsplit_once(')').unwrap().1.split_whitespace().collect(); f[11].parse::<u64>().unwrap()+f[12].parse::<u64>().unwrap()}
#[tokio::main(flavor="current_thread")]
async fn main(){
  let secs:u64=std::env::args().nth(1).unwrap().parse().unwrap();
  let k=InMemoryKafka::start().unwrap(); k.create_topic("t",4).unwrap();
  let c=KafkaConnection::new(k.address()).unwrap();
  let p=KafkaProducer::new(&c,UnknownTopic::Wait).unwrap(); let mut s=p.sink().unwrap();
  let mut r=KafkaReader::open(&c,&["t"],Start::Beginning,Duration::from_secs(10)).await.unwrap();
  let start=Instant::now(); let mut n=0u64;
  let total=secs*1000;
  let got=tokio::spawn(async move{ let mut got=0u64; while got<total { match tokio::time::timeout(Duration::from_secs(5), r.next()).await { Ok(Ok(b))=>got+=b.len() as u64, e=>{println!("reader {:?}",e.map(|x|x.map(|v|v.len())));break} } } got});
  let mut tick=tokio::time::interval(Duration::from_millis(10)); let mut lat=vec![];
  let c0=cpu();
  while n<total { tick.tick().await; let items:Vec<_>=(n..n+10).map(|n|rec(n,700)).collect(); let t=Instant::now(); s.send("b",&items).await.unwrap(); lat.push(t.elapsed()); n+=10; if n%10000==0 {println!("{n} rss {} KB cpu {} ms", rss(), (cpu()-c0)*10);} }
  println!("sent {n} in {:?}, got {}", start.elapsed(), got.await.unwrap());
  lat.sort(); println!("send p50 {:?} p99 {:?} max {:?}", lat[lat.len()/2], lat[lat.len()*99/100], lat[lat.len()-1]);
  // read throughput
  k.create_topic("u",4).unwrap();
  let items:Vec<_>=(0..1000).map(|n|{let mut r=rec(n,0); r.topic="u".into(); r.value=Bytes::from(format!("{{\"d\":{n:0>440}}}")); r}).collect();
  for _ in 0..300 { s.send("b",&items).await.unwrap(); }
  let mut r=KafkaReader::open(&c,&["u"],Start::Beginning,Duration::from_secs(10)).await.unwrap();
  let c1=cpu(); let t0=Instant::now(); let first=r.next().await.unwrap(); println!("first batch {} after {:?}", first.len(), t0.elapsed()); let t=Instant::now(); let mut got=first.len(); let mut batches=0; while let Ok(Ok(b))=tokio::time::timeout(Duration::from_millis(5000), r.next()).await { got+=b.len(); batches+=1; if got>=300_000 {break} }
  println!("read {got} in {:?} batches {batches} cpu(with mock) {} us/rec rss {}", t.elapsed(), (cpu()-c1)*10000/got as u64, rss());
}
