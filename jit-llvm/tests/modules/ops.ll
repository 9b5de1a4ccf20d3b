; ModuleID = 'ops.55e7c0ba9a33f325-cgu.0'
source_filename = "ops.55e7c0ba9a33f325-cgu.0"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

@alloc_64f26e112827d05d728a8d52174aa221 = private unnamed_addr constant [7 x i8] c"ops.rs\00", align 1
@alloc_65ff10a6d7c8fd5f0d83dd5a592b31f5 = private unnamed_addr constant <{ ptr, [16 x i8] }> <{ ptr @alloc_64f26e112827d05d728a8d52174aa221, [16 x i8] c"\06\00\00\00\00\00\00\00\22\00\00\007\00\00\00" }>, align 8
@_ZN3ops5TABLE17he15a0dcec1248a7bE = internal constant [64 x i8] c"\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\08\00\00\00\00\00\00\00\1B\00\00\00\00\00\00\00@\00\00\00\00\00\00\00}\00\00\00\00\00\00\00\D8\00\00\00\00\00\00\00W\01\00\00\00\00\00\00", align 8
@alloc_000bf7f81e35a335c34cda2e88b05015 = private unnamed_addr constant <{ ptr, [16 x i8] }> <{ ptr @alloc_64f26e112827d05d728a8d52174aa221, [16 x i8] c"\06\00\00\00\00\00\00\00\1B\00\00\00\05\00\00\00" }>, align 8
@alloc_7519f6950cfe3212e695feafbf5f9c44 = private unnamed_addr constant <{ ptr, [16 x i8] }> <{ ptr @alloc_64f26e112827d05d728a8d52174aa221, [16 x i8] c"\06\00\00\00\00\00\00\007\00\00\00\0E\00\00\00" }>, align 8
@alloc_cd86740c4bb09145d8c27b088da82a4c = private unnamed_addr constant [7 x i8] c"zero @\22", align 1
@alloc_63575c3e000160dea70bdb05edf17349 = private unnamed_addr constant [3 x i8] c"one", align 1
@alloc_babee5271e6e42dc125a96e0272fa27d = private unnamed_addr constant [3 x i8] c"two", align 1
@anon.a542b4a4d46704da61446eba7bd55997.0 = private unnamed_addr constant <{ ptr, [8 x i8], ptr, [8 x i8], ptr, [8 x i8] }> <{ ptr @alloc_cd86740c4bb09145d8c27b088da82a4c, [8 x i8] c"\07\00\00\00\00\00\00\00", ptr @alloc_63575c3e000160dea70bdb05edf17349, [8 x i8] c"\03\00\00\00\00\00\00\00", ptr @alloc_babee5271e6e42dc125a96e0272fa27d, [8 x i8] c"\03\00\00\00\00\00\00\00" }>, align 8
@alloc_0277e4813f35a54f7554ae733fffed64 = private unnamed_addr constant <{ ptr, [16 x i8] }> <{ ptr @alloc_64f26e112827d05d728a8d52174aa221, [16 x i8] c"\06\00\00\00\00\00\00\00D\00\00\00\12\00\00\00" }>, align 8
@host_data = external global [4 x i64]
@alloc_fc6e7ff308b5a91521d9d3b9215672f0 = private unnamed_addr constant <{ ptr, [16 x i8] }> <{ ptr @alloc_64f26e112827d05d728a8d52174aa221, [16 x i8] c"\06\00\00\00\00\00\00\00G\00\00\00\15\00\00\00" }>, align 8

; __rustc::rust_begin_unwind
; Function Attrs: noreturn nounwind nonlazybind optsize uwtable
define void @_RNvCsfLfy6EI15iL_7___rustc17rust_begin_unwind(ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(24) %_1) unnamed_addr #0 !dbg !7 {
start:
  br label %bb1, !dbg !12

bb1:                                              ; preds = %bb1, %start
  br label %bb1, !dbg !12
}

; <i64>::wrapping_add
; Function Attrs: alwaysinline nounwind nonlazybind optsize uwtable
define internal noundef i64 @_RNvMs1_NtCsgEmfK2I1SDS_4core3numx12wrapping_add(i64 noundef %self, i64 noundef %rhs) unnamed_addr #1 !dbg !13 {
start:
  %_0 = add i64 %self, %rhs, !dbg !18
  ret i64 %_0, !dbg !19
}

; <i64>::wrapping_mul
; Function Attrs: alwaysinline nounwind nonlazybind optsize uwtable
define internal noundef i64 @_RNvMs1_NtCsgEmfK2I1SDS_4core3numx12wrapping_mul(i64 noundef %self, i64 noundef %rhs) unnamed_addr #1 !dbg !20 {
start:
  %_0 = mul i64 %self, %rhs, !dbg !21
  ret i64 %_0, !dbg !22
}

; ops::fold
; Function Attrs: nounwind nonlazybind optsize uwtable
define internal noundef i64 @_ZN3ops4fold17h443fb8285591a244E(ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(168) %frame, i64 noundef %count, ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(8) %0) unnamed_addr #2 !dbg !23 {
start:
  %i = alloca [8 x i8], align 8
  %total = alloca [8 x i8], align 8
  %f = alloca [8 x i8], align 8
  store ptr %0, ptr %f, align 8
  store i64 0, ptr %total, align 8, !dbg !24
  call void @llvm.lifetime.start.p0(ptr %i), !dbg !25
  store i64 0, ptr %i, align 8, !dbg !27
  br label %bb1, !dbg !28

bb1:                                              ; preds = %bb4, %start
  %_6 = load i64, ptr %i, align 8, !dbg !30, !noundef !11
  %_7 = and i64 %count, 15, !dbg !31
  %_5 = icmp slt i64 %_6, %_7, !dbg !30
  br i1 %_5, label %bb2, label %bb7, !dbg !30

bb7:                                              ; preds = %bb1
  call void @llvm.lifetime.end.p0(ptr %i), !dbg !32
  %1 = load i64, ptr %total, align 8, !dbg !33, !noundef !11
  ret i64 %1, !dbg !33

bb2:                                              ; preds = %bb1
  %2 = load i64, ptr %total, align 8, !dbg !34, !noundef !11
; call <i64>::wrapping_mul
  %_8 = call noundef i64 @_RNvMs1_NtCsgEmfK2I1SDS_4core3numx12wrapping_mul(i64 noundef %2, i64 noundef 33) #10, !dbg !35
  %_15 = load i64, ptr %i, align 8, !dbg !36, !noundef !11
  %_14 = and i64 %_15, 15, !dbg !37
  %_16 = icmp ult i64 %_14, 16, !dbg !38
  br i1 %_16, label %bb4, label %panic, !dbg !38

bb4:                                              ; preds = %bb2
  %3 = getelementptr inbounds nuw i64, ptr %frame, i64 %_14, !dbg !38
  %_12 = load i64, ptr %3, align 8, !dbg !38, !noundef !11
; call ops::op_fold::{{closure}}
  %_9 = call noundef i64 @"_ZN3ops7op_fold28_$u7b$$u7b$closure$u7d$$u7d$17hd4c31b6b7bab54efE"(ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(8) %f, i64 noundef %_12) #11, !dbg !39
; call <i64>::wrapping_add
  %4 = call noundef i64 @_RNvMs1_NtCsgEmfK2I1SDS_4core3numx12wrapping_add(i64 noundef %_8, i64 noundef %_9) #10, !dbg !40
  store i64 %4, ptr %total, align 8, !dbg !40
  %5 = load i64, ptr %i, align 8, !dbg !41, !noundef !11
  %6 = add i64 %5, 1, !dbg !41
  store i64 %6, ptr %i, align 8, !dbg !41
  br label %bb1, !dbg !28

panic:                                            ; preds = %bb2
; call core::panicking::panic_bounds_check
  call void @_RNvNtCsgEmfK2I1SDS_4core9panicking18panic_bounds_check(i64 noundef %_14, i64 noundef 16, ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(24) @alloc_65ff10a6d7c8fd5f0d83dd5a592b31f5) #12, !dbg !38
  unreachable, !dbg !38
}

; ops::fold
; Function Attrs: nounwind nonlazybind optsize uwtable
define internal noundef i64 @_ZN3ops4fold17hd2b5d462338101c1E(ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(168) %frame, i64 noundef %count, ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(8) %0) unnamed_addr #2 !dbg !42 {
start:
  %i = alloca [8 x i8], align 8
  %total = alloca [8 x i8], align 8
  %f = alloca [8 x i8], align 8
  store ptr %0, ptr %f, align 8
  store i64 0, ptr %total, align 8, !dbg !43
  call void @llvm.lifetime.start.p0(ptr %i), !dbg !44
  store i64 0, ptr %i, align 8, !dbg !46
  br label %bb1, !dbg !47

bb1:                                              ; preds = %bb4, %start
  %_6 = load i64, ptr %i, align 8, !dbg !49, !noundef !11
  %_7 = and i64 %count, 15, !dbg !50
  %_5 = icmp slt i64 %_6, %_7, !dbg !49
  br i1 %_5, label %bb2, label %bb7, !dbg !49

bb7:                                              ; preds = %bb1
  call void @llvm.lifetime.end.p0(ptr %i), !dbg !51
  %1 = load i64, ptr %total, align 8, !dbg !52, !noundef !11
  ret i64 %1, !dbg !52

bb2:                                              ; preds = %bb1
  %2 = load i64, ptr %total, align 8, !dbg !53, !noundef !11
; call <i64>::wrapping_mul
  %_8 = call noundef i64 @_RNvMs1_NtCsgEmfK2I1SDS_4core3numx12wrapping_mul(i64 noundef %2, i64 noundef 33) #10, !dbg !54
  %_15 = load i64, ptr %i, align 8, !dbg !55, !noundef !11
  %_14 = and i64 %_15, 15, !dbg !56
  %_16 = icmp ult i64 %_14, 16, !dbg !57
  br i1 %_16, label %bb4, label %panic, !dbg !57

bb4:                                              ; preds = %bb2
  %3 = getelementptr inbounds nuw i64, ptr %frame, i64 %_14, !dbg !57
  %_12 = load i64, ptr %3, align 8, !dbg !57, !noundef !11
; call ops::op_fold::{{closure}}
  %_9 = call noundef i64 @"_ZN3ops7op_fold28_$u7b$$u7b$closure$u7d$$u7d$17hc990b061a3c400ffE"(ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(8) %f, i64 noundef %_12) #11, !dbg !58
; call <i64>::wrapping_add
  %4 = call noundef i64 @_RNvMs1_NtCsgEmfK2I1SDS_4core3numx12wrapping_add(i64 noundef %_8, i64 noundef %_9) #10, !dbg !59
  store i64 %4, ptr %total, align 8, !dbg !59
  %5 = load i64, ptr %i, align 8, !dbg !60, !noundef !11
  %6 = add i64 %5, 1, !dbg !60
  store i64 %6, ptr %i, align 8, !dbg !60
  br label %bb1, !dbg !47

panic:                                            ; preds = %bb2
; call core::panicking::panic_bounds_check
  call void @_RNvNtCsgEmfK2I1SDS_4core9panicking18panic_bounds_check(i64 noundef %_14, i64 noundef 16, ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(24) @alloc_65ff10a6d7c8fd5f0d83dd5a592b31f5) #12, !dbg !57
  unreachable, !dbg !57
}

; ops::cubed
; Function Attrs: noinline nounwind nonlazybind optsize uwtable
define internal noundef i64 @_ZN3ops5cubed17h1a9b54473e6d1c8cE(i64 noundef %n) unnamed_addr #3 !dbg !61 {
start:
  %_5 = and i64 %n, 7, !dbg !62
  %_6 = icmp ult i64 %_5, 8, !dbg !63
  br i1 %_6, label %bb1, label %panic, !dbg !63

bb1:                                              ; preds = %start
  %0 = getelementptr inbounds nuw i64, ptr @_ZN3ops5TABLE17he15a0dcec1248a7bE, i64 %_5, !dbg !63
  %_2 = load i64, ptr %0, align 8, !dbg !63, !noundef !11
; call <i64>::wrapping_mul
  %_0 = call noundef i64 @_RNvMs1_NtCsgEmfK2I1SDS_4core3numx12wrapping_mul(i64 noundef %_2, i64 noundef %n) #10, !dbg !64
  ret i64 %_0, !dbg !65

panic:                                            ; preds = %start
; call core::panicking::panic_bounds_check
  call void @_RNvNtCsgEmfK2I1SDS_4core9panicking18panic_bounds_check(i64 noundef %_5, i64 noundef 8, ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(24) @alloc_000bf7f81e35a335c34cda2e88b05015) #12, !dbg !63
  unreachable, !dbg !63
}

; ops::op_fold::{{closure}}
; Function Attrs: inlinehint nounwind nonlazybind optsize uwtable
define internal noundef i64 @"_ZN3ops7op_fold28_$u7b$$u7b$closure$u7d$$u7d$17hc990b061a3c400ffE"(ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(8) %_1, i64 noundef %x) unnamed_addr #4 !dbg !66 {
start:
  %_6 = load ptr, ptr %_1, align 8, !dbg !68, !nonnull !11, !align !69, !noundef !11
  %_4 = load i64, ptr %_6, align 8, !dbg !68, !noundef !11
; call <i64>::wrapping_mul
  %_3 = call noundef i64 @_RNvMs1_NtCsgEmfK2I1SDS_4core3numx12wrapping_mul(i64 noundef %x, i64 noundef %_4) #10, !dbg !70
; call ops::cubed
  %_5 = call noundef i64 @_ZN3ops5cubed17h1a9b54473e6d1c8cE(i64 noundef %_4) #13, !dbg !71
  %_0 = xor i64 %_3, %_5, !dbg !72
  ret i64 %_0, !dbg !73
}

; ops::op_fold::{{closure}}
; Function Attrs: inlinehint nounwind nonlazybind optsize uwtable
define internal noundef i64 @"_ZN3ops7op_fold28_$u7b$$u7b$closure$u7d$$u7d$17hd4c31b6b7bab54efE"(ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(8) %_1, i64 noundef %x) unnamed_addr #4 !dbg !74 {
start:
  %_4 = load ptr, ptr %_1, align 8, !dbg !75, !nonnull !11, !align !69, !noundef !11
  %_3 = load i64, ptr %_4, align 8, !dbg !75, !noundef !11
  %_0 = and i64 %x, %_3, !dbg !76
  ret i64 %_0, !dbg !77
}

; core::slice::iter::<impl core::iter::traits::collect::IntoIterator for &[T]>::into_iter
; Function Attrs: nounwind nonlazybind optsize uwtable
define internal { ptr, ptr } @"_ZN4core5slice4iter87_$LT$impl$u20$core..iter..traits..collect..IntoIterator$u20$for$u20$$RF$$u5b$T$u5d$$GT$9into_iter17h18a203f322cbbf0dE"(ptr noalias noundef nonnull readonly align 1 captures(address, read_provenance) %self.0, i64 noundef range(i64 0, -9223372036854775808) %self.1) unnamed_addr #2 !dbg !78 {
start:
  %end_or_len = alloca [8 x i8], align 8
  call void @llvm.lifetime.start.p0(ptr %end_or_len), !dbg !83
  %0 = icmp ne ptr %self.0, null, !dbg !88
  call void @llvm.assume(i1 %0), !dbg !88
  %1 = icmp ne ptr %self.0, null, !dbg !98
  call void @llvm.assume(i1 %1), !dbg !98
  %2 = icmp ne ptr %self.0, null, !dbg !103
  call void @llvm.assume(i1 %2), !dbg !103
  br label %bb2, !dbg !104

bb2:                                              ; preds = %start
  %3 = icmp ne ptr %self.0, null, !dbg !106
  call void @llvm.assume(i1 %3), !dbg !106
  %_6 = getelementptr inbounds nuw i8, ptr %self.0, i64 %self.1, !dbg !109
  store ptr %_6, ptr %end_or_len, align 8, !dbg !115
  br label %bb3, !dbg !116

bb3:                                              ; preds = %bb2
  %_0.1 = load ptr, ptr %end_or_len, align 8, !dbg !117, !noundef !11
  call void @llvm.lifetime.end.p0(ptr %end_or_len), !dbg !83
  %4 = insertvalue { ptr, ptr } poison, ptr %self.0, 0, !dbg !119
  %5 = insertvalue { ptr, ptr } %4, ptr %_0.1, 1, !dbg !119
  ret { ptr, ptr } %5, !dbg !119

bb1:                                              ; No predecessors!
  unreachable
}

; <core::slice::iter::Iter<T> as core::iter::traits::iterator::Iterator>::next
; Function Attrs: inlinehint nounwind nonlazybind optsize uwtable
define internal noundef align 1 ptr @"_ZN91_$LT$core..slice..iter..Iter$LT$T$GT$$u20$as$u20$core..iter..traits..iterator..Iterator$GT$4next17hc4576b91d2e2a157E"(ptr noalias noundef align 8 dereferenceable(16) %self) unnamed_addr #4 !dbg !120 {
start:
  %_0 = alloca [8 x i8], align 8
  %ptr = load ptr, ptr %self, align 8, !dbg !123, !nonnull !11, !noundef !11
  %0 = getelementptr inbounds i8, ptr %self, i64 8, !dbg !124
  %end_or_len = load ptr, ptr %0, align 8, !dbg !124, !noundef !11
  br label %bb4, !dbg !126

bb4:                                              ; preds = %start
  %1 = icmp ne ptr %end_or_len, null, !dbg !128
  call void @llvm.assume(i1 %1), !dbg !128
  %2 = icmp ne ptr %ptr, null, !dbg !129
  call void @llvm.assume(i1 %2), !dbg !129
  %3 = icmp ne ptr %end_or_len, null, !dbg !135
  call void @llvm.assume(i1 %3), !dbg !135
  %_6 = icmp eq ptr %ptr, %end_or_len, !dbg !137
  br i1 %_6, label %bb5, label %bb6, !dbg !134

bb6:                                              ; preds = %bb4
  %_16 = getelementptr inbounds nuw i8, ptr %ptr, i64 1, !dbg !138
  %4 = icmp ne ptr %_16, null, !dbg !141
  call void @llvm.assume(i1 %4), !dbg !141
  store ptr %_16, ptr %self, align 8, !dbg !142
  br label %bb7, !dbg !143

bb5:                                              ; preds = %bb4
  store ptr null, ptr %_0, align 8, !dbg !144
  br label %bb8, !dbg !145

bb7:                                              ; preds = %bb6
  %5 = icmp ne ptr %ptr, null, !dbg !147
  call void @llvm.assume(i1 %5), !dbg !147
  store ptr %ptr, ptr %_0, align 8, !dbg !152
  br label %bb8, !dbg !153

bb8:                                              ; preds = %bb5, %bb7
  %6 = load ptr, ptr %_0, align 8, !dbg !153, !align !154, !noundef !11
  ret ptr %6, !dbg !153

bb1:                                              ; No predecessors!
  unreachable

bb2:                                              ; No predecessors!
  unreachable

bb3:                                              ; No predecessors!
  unreachable

bb9:                                              ; No predecessors!
  unreachable

bb10:                                             ; No predecessors!
  unreachable
}

; Function Attrs: nounwind nonlazybind optsize uwtable
define noundef i64 @op_add(ptr noalias noundef align 8 dereferenceable(168) %frame, i64 noundef %n) unnamed_addr #2 !dbg !155 {
start:
  %0 = getelementptr inbounds nuw i64, ptr %frame, i64 2, !dbg !156
  %_4 = load i64, ptr %0, align 8, !dbg !156, !noundef !11
; call ops::cubed
  %_5 = call noundef i64 @_ZN3ops5cubed17h1a9b54473e6d1c8cE(i64 noundef %n) #13, !dbg !157
; call <i64>::wrapping_add
  %_3 = call noundef i64 @_RNvMs1_NtCsgEmfK2I1SDS_4core3numx12wrapping_add(i64 noundef %_4, i64 noundef %_5) #10, !dbg !158
  %1 = getelementptr inbounds nuw i64, ptr %frame, i64 2, !dbg !159
  store i64 %_3, ptr %1, align 8, !dbg !159
  %2 = getelementptr inbounds nuw i64, ptr %frame, i64 2, !dbg !160
  %_0 = load i64, ptr %2, align 8, !dbg !160, !noundef !11
  ret i64 %_0, !dbg !161
}

; Function Attrs: nounwind nonlazybind optsize uwtable
define noundef i64 @op_fold(ptr noalias noundef align 8 dereferenceable(168) %frame, i64 noundef %n) unnamed_addr #2 !dbg !162 {
start:
  %by = alloca [8 x i8], align 8
  call void @llvm.lifetime.start.p0(ptr %by), !dbg !163
  store i64 %n, ptr %by, align 8, !dbg !164
; call ops::fold
  %_4 = call noundef i64 @_ZN3ops4fold17hd2b5d462338101c1E(ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(168) %frame, i64 noundef %n, ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(8) %by) #14, !dbg !165
; call ops::fold
  %_8 = call noundef i64 @_ZN3ops4fold17h443fb8285591a244E(ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(168) %frame, i64 noundef %n, ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(8) %by) #14, !dbg !167
; call <i64>::wrapping_add
  %_0 = call noundef i64 @_RNvMs1_NtCsgEmfK2I1SDS_4core3numx12wrapping_add(i64 noundef %_4, i64 noundef %_8) #10, !dbg !168
  call void @llvm.lifetime.end.p0(ptr %by), !dbg !169
  ret i64 %_0, !dbg !170
}

; Function Attrs: nounwind nonlazybind optsize uwtable
define noundef i64 @op_match(ptr noalias noundef align 8 dereferenceable(168) %frame, i64 noundef %n) unnamed_addr #2 !dbg !171 {
start:
  %_0 = alloca [8 x i8], align 8
  %_3 = srem i64 %n, 7, !dbg !172
  switch i64 %_3, label %bb1 [
    i64 0, label %bb7
    i64 1, label %bb6
    i64 2, label %bb5
    i64 3, label %bb4
    i64 4, label %bb3
    i64 5, label %bb2
  ], !dbg !173

bb1:                                              ; preds = %start
  %_8 = and i64 %n, 15, !dbg !174
  %_9 = icmp ult i64 %_8, 16, !dbg !175
  br i1 %_9, label %bb9, label %panic, !dbg !175

bb7:                                              ; preds = %start
  %0 = getelementptr inbounds nuw i64, ptr %frame, i64 1, !dbg !176
  %1 = load i64, ptr %0, align 8, !dbg !176, !noundef !11
  store i64 %1, ptr %_0, align 8, !dbg !176
  br label %bb10, !dbg !177

bb6:                                              ; preds = %start
  %2 = call noundef i64 @host_function(i64 noundef %n, i64 noundef 5) #14, !dbg !178
  store i64 %2, ptr %_0, align 8, !dbg !178
  br label %bb10, !dbg !178

bb5:                                              ; preds = %start
  %_4 = xor i64 %n, 3, !dbg !179
; call ops::cubed
  %3 = call noundef i64 @_ZN3ops5cubed17h1a9b54473e6d1c8cE(i64 noundef %_4) #13, !dbg !180
  store i64 %3, ptr %_0, align 8, !dbg !180
  br label %bb10, !dbg !181

bb4:                                              ; preds = %start
  %4 = getelementptr inbounds nuw i64, ptr %frame, i64 4, !dbg !182
  store i64 %n, ptr %4, align 8, !dbg !182
  store i64 %n, ptr %_0, align 8, !dbg !183
  br label %bb10, !dbg !183

bb3:                                              ; preds = %start
  %5 = getelementptr inbounds nuw i64, ptr %frame, i64 5, !dbg !184
  %_5 = load i64, ptr %5, align 8, !dbg !184, !noundef !11
  %6 = xor i64 %_5, 85, !dbg !184
  store i64 %6, ptr %_0, align 8, !dbg !184
  br label %bb10, !dbg !185

bb2:                                              ; preds = %start
  %7 = sub i64 0, %n, !dbg !186
  store i64 %7, ptr %_0, align 8, !dbg !186
  br label %bb10, !dbg !187

bb10:                                             ; preds = %bb9, %bb2, %bb3, %bb4, %bb5, %bb6, %bb7
  %8 = load i64, ptr %_0, align 8, !dbg !188, !noundef !11
  ret i64 %8, !dbg !188

bb9:                                              ; preds = %bb1
  %9 = getelementptr inbounds nuw i64, ptr %frame, i64 %_8, !dbg !175
  %_6 = load i64, ptr %9, align 8, !dbg !175, !noundef !11
  %10 = or i64 %_6, 1, !dbg !175
  store i64 %10, ptr %_0, align 8, !dbg !175
  br label %bb10, !dbg !189

panic:                                            ; preds = %bb1
; call core::panicking::panic_bounds_check
  call void @_RNvNtCsgEmfK2I1SDS_4core9panicking18panic_bounds_check(i64 noundef %_8, i64 noundef 16, ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(24) @alloc_7519f6950cfe3212e695feafbf5f9c44) #12, !dbg !175
  unreachable, !dbg !175
}

; Function Attrs: nounwind nonlazybind optsize uwtable
define noundef i64 @op_real(ptr noalias noundef align 8 dereferenceable(168) %frame, i64 noundef %n) unnamed_addr #2 !dbg !190 {
start:
  %0 = getelementptr inbounds i8, ptr %frame, i64 128, !dbg !191
  %1 = getelementptr inbounds nuw double, ptr %0, i64 0, !dbg !191
  %_4 = load double, ptr %1, align 8, !dbg !191, !noundef !11
  %_3 = fmul double %_4, 1.500000e+00, !dbg !191
  %_5 = sitofp i64 %n to double, !dbg !192
  %2 = getelementptr inbounds i8, ptr %frame, i64 128, !dbg !193
  %3 = getelementptr inbounds nuw double, ptr %2, i64 1, !dbg !193
  %4 = fadd double %_3, %_5, !dbg !193
  store double %4, ptr %3, align 8, !dbg !193
  %5 = getelementptr inbounds i8, ptr %frame, i64 128, !dbg !194
  %6 = getelementptr inbounds nuw double, ptr %5, i64 1, !dbg !194
  %_6 = load double, ptr %6, align 8, !dbg !194, !noundef !11
  %_0 = call i64 @llvm.fptosi.sat.i64.f64(double %_6), !dbg !194
  ret i64 %_0, !dbg !195
}

; Function Attrs: nounwind nonlazybind optsize uwtable
define noundef i64 @op_text(ptr noalias noundef align 8 dereferenceable(168) %frame, i64 noundef %n) unnamed_addr #2 !dbg !196 {
start:
  %hash = alloca [8 x i8], align 8
  %_10 = alloca [8 x i8], align 8
  %iter = alloca [16 x i8], align 8
  %_5 = alloca [48 x i8], align 8
  store i64 5381, ptr %hash, align 8, !dbg !197
  call void @llvm.lifetime.start.p0(ptr %_5), !dbg !198
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %_5, ptr align 8 @anon.a542b4a4d46704da61446eba7bd55997.0, i64 48, i1 false), !dbg !198
  %_7 = and i64 %n, 1, !dbg !200
  %_8 = icmp ult i64 %_7, 3, !dbg !198
  br i1 %_8, label %bb1, label %panic, !dbg !198

bb1:                                              ; preds = %start
  %0 = getelementptr inbounds nuw { ptr, i64 }, ptr %_5, i64 %_7, !dbg !198
  %_4.0 = load ptr, ptr %0, align 8, !dbg !198, !nonnull !11, !align !154, !noundef !11
  %1 = getelementptr inbounds i8, ptr %0, i64 8, !dbg !198
  %_4.1 = load i64, ptr %1, align 8, !dbg !198, !noundef !11
; call core::slice::iter::<impl core::iter::traits::collect::IntoIterator for &[T]>::into_iter
  %2 = call { ptr, ptr } @"_ZN4core5slice4iter87_$LT$impl$u20$core..iter..traits..collect..IntoIterator$u20$for$u20$$RF$$u5b$T$u5d$$GT$9into_iter17h18a203f322cbbf0dE"(ptr noalias noundef nonnull readonly align 1 captures(address, read_provenance) %_4.0, i64 noundef %_4.1) #14, !dbg !198
  %_3.0 = extractvalue { ptr, ptr } %2, 0, !dbg !198
  %_3.1 = extractvalue { ptr, ptr } %2, 1, !dbg !198
  call void @llvm.lifetime.start.p0(ptr %iter), !dbg !198
  store ptr %_3.0, ptr %iter, align 8, !dbg !198
  %3 = getelementptr inbounds i8, ptr %iter, i64 8, !dbg !198
  store ptr %_3.1, ptr %3, align 8, !dbg !198
  br label %bb3, !dbg !201

panic:                                            ; preds = %start
; call core::panicking::panic_bounds_check
  call void @_RNvNtCsgEmfK2I1SDS_4core9panicking18panic_bounds_check(i64 noundef %_7, i64 noundef 3, ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(24) @alloc_0277e4813f35a54f7554ae733fffed64) #12, !dbg !198
  unreachable, !dbg !198

bb3:                                              ; preds = %bb6, %bb1
  call void @llvm.lifetime.start.p0(ptr %_10), !dbg !203
; call <core::slice::iter::Iter<T> as core::iter::traits::iterator::Iterator>::next
  %4 = call noundef align 1 ptr @"_ZN91_$LT$core..slice..iter..Iter$LT$T$GT$$u20$as$u20$core..iter..traits..iterator..Iterator$GT$4next17hc4576b91d2e2a157E"(ptr noalias noundef align 8 dereferenceable(16) %iter) #11, !dbg !203
  store ptr %4, ptr %_10, align 8, !dbg !203
  %5 = load ptr, ptr %_10, align 8, !dbg !203, !align !154, !noundef !11
  %6 = ptrtoint ptr %5 to i64, !dbg !203
  %7 = icmp eq i64 %6, 0, !dbg !203
  %_12 = select i1 %7, i64 0, i64 1, !dbg !203
  %8 = trunc nuw i64 %_12 to i1, !dbg !203
  br i1 %8, label %bb6, label %bb7, !dbg !203

bb6:                                              ; preds = %bb3
  %_22 = load ptr, ptr %_10, align 8, !dbg !204, !nonnull !11, !align !154, !noundef !11
  %byte = load i8, ptr %_22, align 1, !dbg !204, !noundef !11
  %9 = load i64, ptr %hash, align 8, !dbg !205, !noundef !11
; call <i64>::wrapping_mul
  %_15 = call noundef i64 @_RNvMs1_NtCsgEmfK2I1SDS_4core3numx12wrapping_mul(i64 noundef %9, i64 noundef 33) #10, !dbg !207
  %_16 = zext i8 %byte to i64, !dbg !208
; call <i64>::wrapping_add
  %10 = call noundef i64 @_RNvMs1_NtCsgEmfK2I1SDS_4core3numx12wrapping_add(i64 noundef %_15, i64 noundef %_16) #10, !dbg !209
  store i64 %10, ptr %hash, align 8, !dbg !209
  call void @llvm.lifetime.end.p0(ptr %_10), !dbg !210
  br label %bb3, !dbg !201

bb7:                                              ; preds = %bb3
  call void @llvm.lifetime.end.p0(ptr %_10), !dbg !210
  call void @llvm.lifetime.end.p0(ptr %iter), !dbg !211
  call void @llvm.lifetime.end.p0(ptr %_5), !dbg !211
  %_20 = and i64 %n, 3, !dbg !212
  %_21 = icmp ult i64 %_20, 4, !dbg !213
  br i1 %_21, label %bb10, label %panic1, !dbg !213

bb10:                                             ; preds = %bb7
  %11 = getelementptr inbounds nuw i64, ptr @host_data, i64 %_20, !dbg !213
  %_17 = load i64, ptr %11, align 8, !dbg !213, !noundef !11
  %12 = load i64, ptr %hash, align 8, !dbg !214, !noundef !11
  %_0 = xor i64 %12, %_17, !dbg !214
  ret i64 %_0, !dbg !215

panic1:                                           ; preds = %bb7
; call core::panicking::panic_bounds_check
  call void @_RNvNtCsgEmfK2I1SDS_4core9panicking18panic_bounds_check(i64 noundef %_20, i64 noundef 4, ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(24) @alloc_fc6e7ff308b5a91521d9d3b9215672f0) #12, !dbg !213
  unreachable, !dbg !213

bb5:                                              ; No predecessors!
  unreachable, !dbg !203
}

; Function Attrs: nocallback nofree nosync nounwind willreturn memory(argmem: readwrite)
declare void @llvm.lifetime.start.p0(ptr captures(none)) #5

; Function Attrs: nocallback nofree nosync nounwind willreturn memory(argmem: readwrite)
declare void @llvm.lifetime.end.p0(ptr captures(none)) #5

; core::panicking::panic_bounds_check
; Function Attrs: cold minsize noinline noreturn nounwind nonlazybind optsize uwtable
declare void @_RNvNtCsgEmfK2I1SDS_4core9panicking18panic_bounds_check(i64 noundef, i64 noundef, ptr noalias noundef readonly align 8 captures(address, read_provenance) dereferenceable(24)) unnamed_addr #6

; Function Attrs: nocallback nofree nosync nounwind willreturn memory(inaccessiblemem: write)
declare void @llvm.assume(i1 noundef) #7

; Function Attrs: nounwind nonlazybind optsize uwtable
declare noundef i64 @host_function(i64 noundef, i64 noundef) unnamed_addr #2

; Function Attrs: nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.fptosi.sat.i64.f64(double) #8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: readwrite)
declare void @llvm.memcpy.p0.p0.i64(ptr noalias writeonly captures(none), ptr noalias readonly captures(none), i64, i1 immarg) #9

attributes #0 = { noreturn nounwind nonlazybind optsize uwtable "probe-stack"="inline-asm" "target-cpu"="x86-64" }
attributes #1 = { alwaysinline nounwind nonlazybind optsize uwtable "probe-stack"="inline-asm" "target-cpu"="x86-64" }
attributes #2 = { nounwind nonlazybind optsize uwtable "probe-stack"="inline-asm" "target-cpu"="x86-64" }
attributes #3 = { noinline nounwind nonlazybind optsize uwtable "probe-stack"="inline-asm" "target-cpu"="x86-64" }
attributes #4 = { inlinehint nounwind nonlazybind optsize uwtable "probe-stack"="inline-asm" "target-cpu"="x86-64" }
attributes #5 = { nocallback nofree nosync nounwind willreturn memory(argmem: readwrite) }
attributes #6 = { cold minsize noinline noreturn nounwind nonlazybind optsize uwtable "probe-stack"="inline-asm" "target-cpu"="x86-64" }
attributes #7 = { nocallback nofree nosync nounwind willreturn memory(inaccessiblemem: write) }
attributes #8 = { nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none) }
attributes #9 = { nocallback nofree nounwind willreturn memory(argmem: readwrite) }
attributes #10 = { alwaysinline nounwind }
attributes #11 = { inlinehint nounwind }
attributes #12 = { noinline noreturn nounwind }
attributes #13 = { noinline nounwind }
attributes #14 = { nounwind }

!llvm.module.flags = !{!0, !1, !2, !3}
!llvm.ident = !{!4}
!llvm.dbg.cu = !{!5}

!0 = !{i32 8, !"PIC Level", i32 2}
!1 = !{i32 2, !"RtLibUseGOT", i32 1}
!2 = !{i32 7, !"Dwarf Version", i32 4}
!3 = !{i32 2, !"Debug Info Version", i32 3}
!4 = !{!"rustc version 1.95.0 (59807616e 2026-04-14)"}
!5 = distinct !DICompileUnit(language: DW_LANG_Rust, file: !6, producer: "clang LLVM (rustc version 1.95.0 (59807616e 2026-04-14))", isOptimized: true, runtimeVersion: 0, emissionKind: FullDebug, splitDebugInlining: false, nameTableKind: None)
!6 = !DIFile(filename: "ops.rs/@/ops.55e7c0ba9a33f325-cgu.0", directory: "/tmp/B13")
!7 = distinct !DISubprogram(name: "panic", linkageName: "_RNvCsfLfy6EI15iL_7___rustc17rust_begin_unwind", scope: !9, file: !8, line: 18, type: !10, scopeLine: 18, flags: DIFlagPrototyped | DIFlagNoReturn, spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!8 = !DIFile(filename: "ops.rs", directory: "/tmp/B13", checksumkind: CSK_MD5, checksum: "980bf55225d6624ff827d8b720312df0")
!9 = !DINamespace(name: "ops", scope: null)
!10 = !DISubroutineType(types: !11)
!11 = !{}
!12 = !DILocation(line: 19, column: 5, scope: !7)
!13 = distinct !DISubprogram(name: "wrapping_add", linkageName: "_RNvMs1_NtCsgEmfK2I1SDS_4core3numx12wrapping_add", scope: !15, file: !14, line: 2100, type: !10, scopeLine: 2100, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!14 = !DIFile(filename: "library/core/src/num/int_macros.rs", directory: "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860", checksumkind: CSK_MD5, checksum: "25372f0d2fb76edc2f95599cb5b8df1b")
!15 = !DINamespace(name: "{impl#3}", scope: !16)
!16 = !DINamespace(name: "num", scope: !17)
!17 = !DINamespace(name: "core", scope: null)
!18 = !DILocation(line: 2101, column: 13, scope: !13)
!19 = !DILocation(line: 2102, column: 10, scope: !13)
!20 = distinct !DISubprogram(name: "wrapping_mul", linkageName: "_RNvMs1_NtCsgEmfK2I1SDS_4core3numx12wrapping_mul", scope: !15, file: !14, line: 2172, type: !10, scopeLine: 2172, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!21 = !DILocation(line: 2173, column: 13, scope: !20)
!22 = !DILocation(line: 2174, column: 10, scope: !20)
!23 = distinct !DISubprogram(name: "fold<ops::op_fold::{closure_env#1}>", linkageName: "_ZN3ops4fold17h443fb8285591a244E", scope: !9, file: !8, line: 30, type: !10, scopeLine: 30, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!24 = !DILocation(line: 31, column: 21, scope: !23)
!25 = !DILocation(line: 32, column: 9, scope: !26)
!26 = distinct !DILexicalBlock(scope: !23, file: !8, line: 31, column: 5)
!27 = !DILocation(line: 32, column: 17, scope: !26)
!28 = !DILocation(line: 33, column: 5, scope: !29)
!29 = distinct !DILexicalBlock(scope: !26, file: !8, line: 32, column: 5)
!30 = !DILocation(line: 33, column: 11, scope: !29)
!31 = !DILocation(line: 33, column: 15, scope: !29)
!32 = !DILocation(line: 38, column: 1, scope: !26)
!33 = !DILocation(line: 38, column: 2, scope: !23)
!34 = !DILocation(line: 34, column: 17, scope: !29)
!35 = !DILocation(line: 34, column: 23, scope: !29)
!36 = !DILocation(line: 34, column: 68, scope: !29)
!37 = !DILocation(line: 34, column: 67, scope: !29)
!38 = !DILocation(line: 34, column: 55, scope: !29)
!39 = !DILocation(line: 34, column: 53, scope: !29)
!40 = !DILocation(line: 34, column: 40, scope: !29)
!41 = !DILocation(line: 35, column: 9, scope: !29)
!42 = distinct !DISubprogram(name: "fold<ops::op_fold::{closure_env#0}>", linkageName: "_ZN3ops4fold17hd2b5d462338101c1E", scope: !9, file: !8, line: 30, type: !10, scopeLine: 30, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!43 = !DILocation(line: 31, column: 21, scope: !42)
!44 = !DILocation(line: 32, column: 9, scope: !45)
!45 = distinct !DILexicalBlock(scope: !42, file: !8, line: 31, column: 5)
!46 = !DILocation(line: 32, column: 17, scope: !45)
!47 = !DILocation(line: 33, column: 5, scope: !48)
!48 = distinct !DILexicalBlock(scope: !45, file: !8, line: 32, column: 5)
!49 = !DILocation(line: 33, column: 11, scope: !48)
!50 = !DILocation(line: 33, column: 15, scope: !48)
!51 = !DILocation(line: 38, column: 1, scope: !45)
!52 = !DILocation(line: 38, column: 2, scope: !42)
!53 = !DILocation(line: 34, column: 17, scope: !48)
!54 = !DILocation(line: 34, column: 23, scope: !48)
!55 = !DILocation(line: 34, column: 68, scope: !48)
!56 = !DILocation(line: 34, column: 67, scope: !48)
!57 = !DILocation(line: 34, column: 55, scope: !48)
!58 = !DILocation(line: 34, column: 53, scope: !48)
!59 = !DILocation(line: 34, column: 40, scope: !48)
!60 = !DILocation(line: 35, column: 9, scope: !48)
!61 = distinct !DISubprogram(name: "cubed", linkageName: "_ZN3ops5cubed17h1a9b54473e6d1c8cE", scope: !9, file: !8, line: 26, type: !10, scopeLine: 26, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!62 = !DILocation(line: 27, column: 11, scope: !61)
!63 = !DILocation(line: 27, column: 5, scope: !61)
!64 = !DILocation(line: 27, column: 29, scope: !61)
!65 = !DILocation(line: 28, column: 2, scope: !61)
!66 = distinct !DISubprogram(name: "{closure#0}", linkageName: "_ZN3ops7op_fold28_$u7b$$u7b$closure$u7d$$u7d$17hc990b061a3c400ffE", scope: !67, file: !8, line: 62, type: !10, scopeLine: 62, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!67 = !DINamespace(name: "op_fold", scope: !9)
!68 = !DILocation(line: 62, column: 39, scope: !66)
!69 = !{i64 8}
!70 = !DILocation(line: 62, column: 26, scope: !66)
!71 = !DILocation(line: 62, column: 45, scope: !66)
!72 = !DILocation(line: 62, column: 24, scope: !66)
!73 = !DILocation(line: 62, column: 54, scope: !66)
!74 = distinct !DISubprogram(name: "{closure#1}", linkageName: "_ZN3ops7op_fold28_$u7b$$u7b$closure$u7d$$u7d$17hd4c31b6b7bab54efE", scope: !67, file: !8, line: 62, type: !10, scopeLine: 62, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!75 = !DILocation(line: 62, column: 92, scope: !74)
!76 = !DILocation(line: 62, column: 88, scope: !74)
!77 = !DILocation(line: 62, column: 94, scope: !74)
!78 = distinct !DISubprogram(name: "into_iter<u8>", linkageName: "_ZN4core5slice4iter87_$LT$impl$u20$core..iter..traits..collect..IntoIterator$u20$for$u20$$RF$$u5b$T$u5d$$GT$9into_iter17h18a203f322cbbf0dE", scope: !80, file: !79, line: 25, type: !10, scopeLine: 25, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!79 = !DIFile(filename: "library/core/src/slice/iter.rs", directory: "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860", checksumkind: CSK_MD5, checksum: "f33ab2e22fe09095bf73c41c52bd166c")
!80 = !DINamespace(name: "{impl#1}", scope: !81)
!81 = !DINamespace(name: "iter", scope: !82)
!82 = !DINamespace(name: "slice", scope: !17)
!83 = !DILocation(line: 1041, column: 9, scope: !84, inlinedAt: !87)
!84 = distinct !DISubprogram(name: "iter<u8>", linkageName: "_ZN4core5slice29_$LT$impl$u20$$u5b$T$u5d$$GT$4iter17h39efa3066582d8cdE", scope: !86, file: !85, line: 1040, type: !10, scopeLine: 1040, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!85 = !DIFile(filename: "library/core/src/slice/mod.rs", directory: "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860", checksumkind: CSK_MD5, checksum: "b606e5d97bff599edd0dcbc6067a14f1")
!86 = !DINamespace(name: "{impl#0}", scope: !82)
!87 = !DILocation(line: 26, column: 14, scope: !78)
!88 = !DILocation(line: 284, column: 18, scope: !89, inlinedAt: !94)
!89 = distinct !DISubprogram(name: "from_ref<[u8]>", linkageName: "_ZN4core3ptr8non_null16NonNull$LT$T$GT$8from_ref17h8a0f02f533f9df94E", scope: !91, file: !90, line: 282, type: !10, scopeLine: 282, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!90 = !DIFile(filename: "library/core/src/ptr/non_null.rs", directory: "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860", checksumkind: CSK_MD5, checksum: "e5222a5160165ba1cd09076ad7a11733")
!91 = !DINamespace(name: "NonNull", scope: !92)
!92 = !DINamespace(name: "non_null", scope: !93)
!93 = !DINamespace(name: "ptr", scope: !17)
!94 = !DILocation(line: 98, column: 31, scope: !95, inlinedAt: !83)
!95 = distinct !DILexicalBlock(scope: !96, file: !79, line: 97, column: 9)
!96 = distinct !DISubprogram(name: "new<u8>", linkageName: "_ZN4core5slice4iter13Iter$LT$T$GT$3new17h99677f9c13785577E", scope: !97, file: !79, line: 96, type: !10, scopeLine: 96, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!97 = !DINamespace(name: "Iter", scope: !81)
!98 = !DILocation(line: 407, column: 18, scope: !99, inlinedAt: !100)
!99 = distinct !DISubprogram(name: "as_ptr<[u8]>", linkageName: "_ZN4core3ptr8non_null16NonNull$LT$T$GT$6as_ptr17hebc5765a89d896d2E", scope: !91, file: !90, line: 401, type: !10, scopeLine: 401, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!100 = !DILocation(line: 504, column: 33, scope: !101, inlinedAt: !102)
!101 = distinct !DISubprogram(name: "cast<[u8], u8>", linkageName: "_ZN4core3ptr8non_null16NonNull$LT$T$GT$4cast17hefc49a0af7813d94E", scope: !91, file: !90, line: 502, type: !10, scopeLine: 502, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!102 = !DILocation(line: 98, column: 56, scope: !95, inlinedAt: !83)
!103 = !DILocation(line: 504, column: 18, scope: !101, inlinedAt: !102)
!104 = !DILocation(line: 102, column: 20, scope: !105, inlinedAt: !83)
!105 = distinct !DILexicalBlock(scope: !95, file: !79, line: 98, column: 9)
!106 = !DILocation(line: 407, column: 18, scope: !107, inlinedAt: !108)
!107 = distinct !DISubprogram(name: "as_ptr<u8>", linkageName: "_ZN4core3ptr8non_null16NonNull$LT$T$GT$6as_ptr17h24bbfe829b1a11ceE", scope: !91, file: !90, line: 401, type: !10, scopeLine: 401, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!108 = !DILocation(line: 102, column: 69, scope: !105, inlinedAt: !83)
!109 = !DILocation(line: 961, column: 18, scope: !110, inlinedAt: !114)
!110 = distinct !DISubprogram(name: "add<u8>", linkageName: "_ZN4core3ptr7mut_ptr31_$LT$impl$u20$$BP$mut$u20$T$GT$3add17hdd45d1758c20069eE", scope: !112, file: !111, line: 927, type: !10, scopeLine: 927, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!111 = !DIFile(filename: "library/core/src/ptr/mut_ptr.rs", directory: "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860", checksumkind: CSK_MD5, checksum: "7c03c8e0ae695174f7f10881dc49d2cb")
!112 = !DINamespace(name: "{impl#0}", scope: !113)
!113 = !DINamespace(name: "mut_ptr", scope: !93)
!114 = !DILocation(line: 102, column: 78, scope: !105, inlinedAt: !83)
!115 = !DILocation(line: 102, column: 63, scope: !105, inlinedAt: !83)
!116 = !DILocation(line: 102, column: 17, scope: !105, inlinedAt: !83)
!117 = !DILocation(line: 104, column: 13, scope: !118, inlinedAt: !83)
!118 = distinct !DILexicalBlock(scope: !105, file: !79, line: 101, column: 13)
!119 = !DILocation(line: 27, column: 6, scope: !78)
!120 = distinct !DISubprogram(name: "next<u8>", linkageName: "_ZN91_$LT$core..slice..iter..Iter$LT$T$GT$$u20$as$u20$core..iter..traits..iterator..Iterator$GT$4next17hc4576b91d2e2a157E", scope: !122, file: !121, line: 157, type: !10, scopeLine: 157, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!121 = !DIFile(filename: "library/core/src/slice/iter/macros.rs", directory: "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860", checksumkind: CSK_MD5, checksum: "87d1f0c2746f51593d75ddf4c9271f14")
!122 = !DINamespace(name: "{impl#171}", scope: !81)
!123 = !DILocation(line: 161, column: 27, scope: !120)
!124 = !DILocation(line: 162, column: 34, scope: !125)
!125 = distinct !DILexicalBlock(scope: !120, file: !121, line: 161, column: 17)
!126 = !DILocation(line: 166, column: 24, scope: !127)
!127 = distinct !DILexicalBlock(scope: !125, file: !121, line: 162, column: 17)
!128 = !DILocation(line: 180, column: 35, scope: !127)
!129 = !DILocation(line: 407, column: 18, scope: !130, inlinedAt: !131)
!130 = distinct !DISubprogram(name: "as_ptr<u8>", linkageName: "_ZN4core3ptr8non_null16NonNull$LT$T$GT$6as_ptr17h24bbfe829b1a11ceE", scope: !91, file: !90, line: 401, type: !10, scopeLine: 401, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!131 = !DILocation(line: 1720, column: 14, scope: !132, inlinedAt: !134)
!132 = distinct !DISubprogram(name: "eq<u8>", linkageName: "_ZN78_$LT$core..ptr..non_null..NonNull$LT$T$GT$$u20$as$u20$core..cmp..PartialEq$GT$2eq17hf16fbd53677dc69fE", scope: !133, file: !90, line: 1719, type: !10, scopeLine: 1719, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!133 = !DINamespace(name: "{impl#16}", scope: !92)
!134 = !DILocation(line: 180, column: 28, scope: !127)
!135 = !DILocation(line: 407, column: 18, scope: !130, inlinedAt: !136)
!136 = !DILocation(line: 1720, column: 32, scope: !132, inlinedAt: !134)
!137 = !DILocation(line: 1720, column: 9, scope: !132, inlinedAt: !134)
!138 = !DILocation(line: 659, column: 28, scope: !139, inlinedAt: !140)
!139 = distinct !DISubprogram(name: "add<u8>", linkageName: "_ZN4core3ptr8non_null16NonNull$LT$T$GT$3add17hcd72b43aba5399e6E", scope: !91, file: !90, line: 651, type: !10, scopeLine: 651, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!140 = !DILocation(line: 185, column: 40, scope: !127)
!141 = !DILocation(line: 659, column: 18, scope: !139, inlinedAt: !140)
!142 = !DILocation(line: 185, column: 25, scope: !127)
!143 = !DILocation(line: 166, column: 21, scope: !127)
!144 = !DILocation(line: 181, column: 36, scope: !127)
!145 = !DILocation(line: 0, scope: !146)
!146 = !DILexicalBlockFile(scope: !127, file: !8, discriminator: 0)
!147 = !DILocation(line: 135, column: 9, scope: !148, inlinedAt: !149)
!148 = distinct !DISubprogram(name: "cast_const<u8>", linkageName: "_ZN4core3ptr7mut_ptr31_$LT$impl$u20$$BP$mut$u20$T$GT$10cast_const17h8f99bb1efc46752cE", scope: !112, file: !111, line: 134, type: !10, scopeLine: 134, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!149 = !DILocation(line: 444, column: 34, scope: !150, inlinedAt: !151)
!150 = distinct !DISubprogram(name: "as_ref<u8>", linkageName: "_ZN4core3ptr8non_null16NonNull$LT$T$GT$6as_ref17hb290ca9494f26240E", scope: !91, file: !90, line: 440, type: !10, scopeLine: 440, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!151 = !DILocation(line: 190, column: 32, scope: !127)
!152 = !DILocation(line: 190, column: 21, scope: !127)
!153 = !DILocation(line: 192, column: 14, scope: !120)
!154 = !{i64 1}
!155 = distinct !DISubprogram(name: "op_add", scope: !9, file: !8, line: 41, type: !10, scopeLine: 41, flags: DIFlagPrototyped, spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!156 = !DILocation(line: 42, column: 22, scope: !155)
!157 = !DILocation(line: 42, column: 50, scope: !155)
!158 = !DILocation(line: 42, column: 37, scope: !155)
!159 = !DILocation(line: 42, column: 5, scope: !155)
!160 = !DILocation(line: 43, column: 5, scope: !155)
!161 = !DILocation(line: 44, column: 2, scope: !155)
!162 = distinct !DISubprogram(name: "op_fold", scope: !9, file: !8, line: 60, type: !10, scopeLine: 60, flags: DIFlagPrototyped, spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!163 = !DILocation(line: 61, column: 9, scope: !162)
!164 = !DILocation(line: 61, column: 14, scope: !162)
!165 = !DILocation(line: 62, column: 5, scope: !166)
!166 = distinct !DILexicalBlock(scope: !162, file: !8, line: 61, column: 5)
!167 = !DILocation(line: 62, column: 69, scope: !166)
!168 = !DILocation(line: 62, column: 56, scope: !166)
!169 = !DILocation(line: 63, column: 1, scope: !162)
!170 = !DILocation(line: 63, column: 2, scope: !162)
!171 = distinct !DISubprogram(name: "op_match", scope: !9, file: !8, line: 47, type: !10, scopeLine: 47, flags: DIFlagPrototyped, spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!172 = !DILocation(line: 48, column: 11, scope: !171)
!173 = !DILocation(line: 48, column: 5, scope: !171)
!174 = !DILocation(line: 55, column: 26, scope: !171)
!175 = !DILocation(line: 55, column: 14, scope: !171)
!176 = !DILocation(line: 49, column: 14, scope: !171)
!177 = !DILocation(line: 49, column: 27, scope: !171)
!178 = !DILocation(line: 50, column: 23, scope: !171)
!179 = !DILocation(line: 51, column: 20, scope: !171)
!180 = !DILocation(line: 51, column: 14, scope: !171)
!181 = !DILocation(line: 51, column: 25, scope: !171)
!182 = !DILocation(line: 52, column: 16, scope: !171)
!183 = !DILocation(line: 52, column: 36, scope: !171)
!184 = !DILocation(line: 53, column: 14, scope: !171)
!185 = !DILocation(line: 53, column: 34, scope: !171)
!186 = !DILocation(line: 54, column: 14, scope: !171)
!187 = !DILocation(line: 54, column: 15, scope: !171)
!188 = !DILocation(line: 57, column: 2, scope: !171)
!189 = !DILocation(line: 55, column: 47, scope: !171)
!190 = distinct !DISubprogram(name: "op_real", scope: !9, file: !8, line: 75, type: !10, scopeLine: 75, flags: DIFlagPrototyped, spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!191 = !DILocation(line: 76, column: 22, scope: !190)
!192 = !DILocation(line: 76, column: 45, scope: !190)
!193 = !DILocation(line: 76, column: 5, scope: !190)
!194 = !DILocation(line: 77, column: 5, scope: !190)
!195 = !DILocation(line: 78, column: 2, scope: !190)
!196 = distinct !DISubprogram(name: "op_text", scope: !9, file: !8, line: 66, type: !10, scopeLine: 66, flags: DIFlagPrototyped, spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: !5, templateParams: !11)
!197 = !DILocation(line: 67, column: 20, scope: !196)
!198 = !DILocation(line: 68, column: 18, scope: !199)
!199 = distinct !DILexicalBlock(scope: !196, file: !8, line: 67, column: 5)
!200 = !DILocation(line: 68, column: 24, scope: !199)
!201 = !DILocation(line: 68, column: 5, scope: !202)
!202 = distinct !DILexicalBlock(scope: !199, file: !8, line: 68, column: 5)
!203 = !DILocation(line: 68, column: 18, scope: !202)
!204 = !DILocation(line: 68, column: 10, scope: !202)
!205 = !DILocation(line: 69, column: 16, scope: !206)
!206 = distinct !DILexicalBlock(scope: !202, file: !8, line: 68, column: 5)
!207 = !DILocation(line: 69, column: 21, scope: !206)
!208 = !DILocation(line: 69, column: 51, scope: !206)
!209 = !DILocation(line: 69, column: 38, scope: !206)
!210 = !DILocation(line: 70, column: 5, scope: !202)
!211 = !DILocation(line: 70, column: 5, scope: !199)
!212 = !DILocation(line: 71, column: 31, scope: !199)
!213 = !DILocation(line: 71, column: 21, scope: !199)
!214 = !DILocation(line: 71, column: 5, scope: !199)
!215 = !DILocation(line: 72, column: 2, scope: !196)
